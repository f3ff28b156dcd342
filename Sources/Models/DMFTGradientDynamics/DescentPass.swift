import Dynamics
import Numerics

/// Sizes of a simulation and where things lie in its scratch memory.
struct Layout: Sendable {
    let d: Int
    /// L, k, R.
    let tokens: Int
    let students: Int
    let runs: Int
    let samples: Int
    /// Rows between tokens of the inputs.
    let stride: Int
    let targetWidth: Int
    /// Samples that are worked on at a time, a multiple of 8: their inputs stay in the second-level cache between the
    /// product that makes fields and the one that makes the gradient.
    let block: Int
    let isFull: Bool
    /// Whether only the samples of each run's batch are multiplied, copied together, instead of all with weights 0.
    let gathers: Bool

    /// k R, the columns of all W side by side.
    var columns: Int { students * runs }

    init(_ p: Parameters, _ data: DataSet) {
        (d, samples, stride) = (data.d, data.samples, data.stride)
        (tokens, students, runs, targetWidth) = (p.tokens, p.students, p.runs, p.targetWidth)
        block = Self.block(d: d, tokens: tokens, stride: stride)
        isFull = p.batches.mask == .full
        gathers = p.batches.fraction < (students * runs < Self.matrixFrom ? 0.75 : 0.35)
    }

    /// From this many columns on one matrix product is faster than a product of matrix and vector for each.
    static let matrixFrom = 4

    static func block(d: Int, tokens: Int, stride: Int) -> Int {
        min(max((1 << 17) / (d * tokens) & ~7, 16), max(stride, 8))
    }

    // Single precision: W, the gradient, fields of a block, inputs of a gathered block.
    var gradientAt: Int { columns * d }
    var fieldsAt: Int { 2 * columns * d }
    var gatheredAt: Int { fieldsAt + columns * tokens * block }
    var singleCount: Int { gatheredAt + (gathers ? tokens * block * d : 0) }
    // Double precision: fields of a block, its losses, targets of a gathered block.
    var lossAt: Int { columns * tokens * block }
    var targetsAt: Int { lossAt + runs * block }
    var doubleCount: Int { targetsAt + (gathers ? targetWidth * block : 0) }
}

/// One look at the data: fields Z = A W, the losses, and the gradient sum_mu w^mu (A^mu)^T g^mu of (11), times sqrt(d), of
/// all runs at once. Scratch memory is lent to it, with W in its first numbers.
struct Pass<Channel: DMFTChannel> {
    let layout: Layout
    let channel: Channel
    let inputs: UnsafePointer<Float>
    let targets: UnsafePointer<Double>
    /// Weights of the samples of batches, run after run `stride` apart; not read with full batches.
    let weights: UnsafePointer<Double>
    let single: UnsafeMutablePointer<Float>
    let double: UnsafeMutablePointer<Double>

    /// Makes the gradient.
    func gradient() {
        if layout.gathers { gathered() } else { _ = pass(makesGradient: true, sumsLoss: false) }
    }

    /// The sum of the losses over all samples and runs; `makesGradient` also that of full batches.
    func losses(makesGradient: Bool) -> Double { pass(makesGradient: makesGradient, sumsLoss: true) }

    private func pass(makesGradient: Bool, sumsLoss: Bool) -> Double {
        let (d, block) = (layout.d, layout.block)
        if makesGradient { (single + layout.gradientAt).update(repeating: 0, count: layout.columns * d) }
        var total = 0.0
        for first in stride(from: 0, to: layout.stride, by: block) {
            let count = min(block, layout.stride - first)
            let rows = inputs + first * d
            multiply(rows, tokenStride: layout.stride * d, count, 0..<layout.columns)
            for run in 0..<layout.runs {
                evaluate(run, count, targets + first, targetStride: layout.stride, sumsLoss: sumsLoss)
                if sumsLoss {
                    let losses = double + (layout.lossAt + run * block)
                    for s in 0..<min(count, layout.samples - first) { total += losses[s] }
                }
                if makesGradient {
                    weigh(run, count, layout.isFull ? nil : weights + (run * layout.stride + first))
                }
            }
            if makesGradient { collect(rows, tokenStride: layout.stride * d, count, 0..<layout.columns) }
        }
        return total
    }

    private func gathered() {
        let (d, L, block) = (layout.d, layout.tokens, layout.block)
        (single + layout.gradientAt).update(repeating: 0, count: layout.columns * d)
        let rows = single + layout.gatheredAt
        let ownTargets = double + layout.targetsAt
        for run in 0..<layout.runs {
            let weights = weights + run * layout.stride
            let columns = (run * layout.students)..<((run + 1) * layout.students)
            var next = 0
            while next < layout.samples {
                var count = 0
                var weight = 0.0
                while next < layout.samples, count < block {
                    if weights[next] != 0 {
                        weight = weights[next]
                        for l in 0..<L {
                            (rows + (l * block + count) * d).update(
                                from: inputs + (l * layout.stride + next) * d, count: d)
                        }
                        for c in 0..<layout.targetWidth {
                            ownTargets[c * block + count] = targets[c * layout.stride + next]
                        }
                        count += 1
                    }
                    next += 1
                }
                guard count > 0 else { break }
                // Lanes beyond the last sample see what is there and are not collected.
                multiply(rows, tokenStride: block * d, count, columns)
                evaluate(run, (count + 7) & ~7, ownTargets, targetStride: block, sumsLoss: false)
                weigh(run, count, nil, scale: weight)
                collect(rows, tokenStride: block * d, count, columns)
            }
        }
    }

    /// Fields of `count` samples times sqrt(d), for the given columns of W.
    private func multiply(_ rows: UnsafePointer<Float>, tokenStride: Int, _ count: Int, _ columns: Range<Int>) {
        let (d, L, block) = (layout.d, layout.tokens, layout.block)
        for l in 0..<L {
            let x = rows + l * tokenStride
            if columns.count < Layout.matrixFrom {
                for column in columns {
                    BLAS.gemv(
                        rows: count, columns: d, x, leading: d, single + column * d,
                        single + (layout.fieldsAt + (column * L + l) * block))
                }
            } else {
                let at = layout.fieldsAt + (columns.lowerBound * L + l) * block
                BLAS.gemm(
                    .none, .transposed, m: columns.count, n: count, k: d,
                    single + columns.lowerBound * d, leadingA: d, x, leadingB: d, single + at, leadingC: L * block)
            }
        }
    }

    /// Adds g^T X of `count` samples to the gradient of the given columns.
    private func collect(_ rows: UnsafePointer<Float>, tokenStride: Int, _ count: Int, _ columns: Range<Int>) {
        let (d, L, block) = (layout.d, layout.tokens, layout.block)
        for l in 0..<L {
            let x = rows + l * tokenStride
            if columns.count < Layout.matrixFrom {
                for column in columns {
                    BLAS.gemv(
                        .transposed, rows: count, columns: d, x, leading: d,
                        single + (layout.fieldsAt + (column * L + l) * block), beta: 1,
                        single + (layout.gradientAt + column * d))
                }
            } else {
                let at = layout.fieldsAt + (columns.lowerBound * L + l) * block
                BLAS.gemm(
                    m: columns.count, n: d, k: count, single + at, leadingA: L * block, x, leadingB: d, beta: 1,
                    single + (layout.gradientAt + columns.lowerBound * d), leadingC: d)
            }
        }
    }

    /// Makes g of one run from its fields, in double precision.
    private func evaluate(
        _ run: Int, _ count: Int, _ targets: UnsafePointer<Double>, targetStride: Int, sumsLoss: Bool
    ) {
        let (L, block) = (layout.tokens, layout.block)
        let first = run * layout.students * L * block
        let scale = 1 / Double(layout.d).squareRoot()
        for row in 0..<layout.students * L {
            let from = single + (layout.fieldsAt + first + row * block)
            let to = double + (first + row * block)
            for s in 0..<count { to[s] = scale * Double(from[s]) }
        }
        channel.evaluate(
            FieldBatch(
                blocks: count / 8, tokenStride: block, studentStride: L * block, fields: double + first,
                targets: targets, targetStride: targetStride, gradient: double + first,
                loss: sumsLoss ? double + (layout.lossAt + run * block) : nil))
    }

    /// Takes g of one run times the samples' weights, or `scale` without any, back to single precision.
    private func weigh(_ run: Int, _ count: Int, _ weights: UnsafePointer<Double>?, scale: Double = 1) {
        let (L, block) = (layout.tokens, layout.block)
        let first = run * layout.students * L * block
        for row in 0..<layout.students * L {
            let from = double + (first + row * block)
            let to = single + (layout.fieldsAt + first + row * block)
            if let weights {
                for s in 0..<count { to[s] = Float(weights[s] * from[s]) }
            } else {
                for s in 0..<count { to[s] = Float(scale * from[s]) }
            }
        }
    }
}
