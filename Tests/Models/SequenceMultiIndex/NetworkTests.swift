import Foundation
import ModelTesting
import Numerics
import SequenceMultiIndex
import Testing

/// A plain transcription of (2) and (3), one sequence at a time: B_k = A_k B_{k-1}.
private func plainOutput(_ z: [[Double]], _ c: Double) -> (u: [Double], y: [[Double]]) {
    let L = z[0].count
    func softmax(_ q: [Double]) -> [[Double]] {
        q.map { a in
            let e = q.map { exp(a * $0) }
            return e.map { $0 / e.reduce(0, +) }
        }
    }
    var B = (0..<L).map { i in (0..<L).map { $0 == i ? 1.0 : 0 } }
    for (k, row) in z.enumerated() {
        let q = B.map { zip($0, row).reduce(0) { $0 + $1.0 * $1.1 } }
        var A = softmax(q)
        if k == z.count - 1 { return (q, A) }
        for l in 0..<L { A[l][l] += c }
        B = A.map { a in (0..<L).map { j in (0..<L).reduce(0) { $0 + a[$1] * B[$1][j] } } }
    }
    return ([], [])
}

private struct Pass {
    let network: Network
    var scratch: [Lanes]
    init(_ network: Network) {
        self.network = network
        scratch = Array(repeating: .zero, count: network.scratchCount)
    }
    mutating func output(_ z: [Lanes]) -> (u: [Lanes], y: [Lanes]) {
        let network = network
        return scratch.withUnsafeMutableBufferPointer {
            let base = $0.baseAddress!
            network.forward(z, base)
            return (
                Array(UnsafeBufferPointer(start: network.index(base), count: network.L)),
                Array(UnsafeBufferPointer(start: network.output(base), count: network.outputs))
            )
        }
    }
    mutating func gradient(_ target: [Lanes]) -> (loss: Lanes, delta: [Lanes]) {
        let network = network
        var delta = Array(repeating: Lanes.zero, count: network.inputs)
        let loss = scratch.withUnsafeMutableBufferPointer { network.backward(target, $0.baseAddress!, &delta) }
        return (loss, delta)
    }
}

@Suite struct NetworkTests {
    static let shapes = [(1, 2), (1, 4), (2, 2), (2, 3), (3, 2), (3, 4), (4, 3)]

    private func draw(_ network: Network, _ number: UInt64) -> [Lanes] {
        var random = testStream(number)
        return (0..<network.inputs).map { _ in
            var lanes = Lanes.zero
            for i in 0..<8 { lanes[i] = 1.3 * random.normal() }
            return lanes
        }
    }

    @Test(arguments: shapes, [0, 0.7]) func theForwardPassIsTheModel(shape: (Int, Int), c: Double) {
        let network = Network(layers: shape.0, L: shape.1, skip: c)
        let z = draw(network, 3)
        var pass = Pass(network)
        let (u, y) = pass.output(z)
        for lane in 0..<8 {
            let rows = (0..<shape.0).map { k in (0..<shape.1).map { z[k * shape.1 + $0][lane] } }
            let (plainU, plainY) = plainOutput(rows, c)
            for l in 0..<shape.1 {
                #expect(abs(u[l][lane] - plainU[l]) < 1e-13 * (1 + abs(plainU[l])))
                for m in 0..<shape.1 { #expect(abs(y[l * shape.1 + m][lane] - plainY[l][m]) < 1e-13) }
            }
        }
    }

    /// Landmark 18.
    @Test(arguments: shapes) func gradientsAreThoseOfFiniteDifferences(shape: (Int, Int)) {
        let network = Network(layers: shape.0, L: shape.1, skip: 0.6)
        let (z, other) = (draw(network, 5), draw(network, 6))
        var pass = Pass(network)
        let target = pass.output(other).y
        _ = pass.output(z)
        let (loss, delta) = pass.gradient(target)
        func lossAt(_ z: [Lanes]) -> Lanes {
            zip(pass.output(z).y, target).reduce(.zero) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        let direct = lossAt(z)
        for lane in 0..<8 { #expect(abs(loss[lane] - direct[lane]) < 1e-13) }
        for i in 0..<network.inputs {
            func difference(_ h: Double) -> Lanes {
                var (up, down) = (z, z)
                up[i] += h
                down[i] -= h
                return (lossAt(up) - lossAt(down)) * (0.5 / h)
            }
            // Sixth order: what is left, h^6/140 times a seventh derivative, is 4e-11 at 2h and below rounding at h. The fourth
            // order's h^4/30 reaches 2e-9 in four layers, whose fifth derivatives are of order 1e4 (16 times less at h/2).
            let h = 1e-3
            let slope = 1.5 * difference(h) - 0.6 * difference(2 * h) + 0.1 * difference(3 * h)
            for lane in 0..<8 { #expect(abs(slope[lane] - delta[i][lane]) < 1e-10) }
        }
    }

    @Test func signsOfLayersDoNotMatter() {
        let network = Network(layers: 3, L: 3, skip: 0.5)
        let z = draw(network, 8)
        var pass = Pass(network)
        let y = pass.output(z).y
        let other = pass.output(z.enumerated().map { $0.offset / 3 == 1 ? -$0.element : $0.element }).y
        for i in 0..<9 { #expect((y[i] - other[i]).max() < 1e-15 && (other[i] - y[i]).max() < 1e-15) }
    }

    @Test func hugeLogitsStayFinite() {
        let network = Network(layers: 2, L: 2, skip: 1)
        var pass = Pass(network)
        let y = pass.output(draw(network, 9).map { $0 * 1e3 }).y
        #expect(y.allSatisfy { $0.sum().isFinite })
    }
}
