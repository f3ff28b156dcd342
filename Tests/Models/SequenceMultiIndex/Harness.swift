import ModelTesting
import Modeling
import Numerics
import SequenceMultiIndex

let harness = TaskHarness(SequenceMultiIndex(), salt: 0x534D_4900)

/// Two layers, two tokens, skip 1, with a place for the required parameters.
func given(_ values: Given = [:]) -> Given { ["alpha": .real(0.5), "q_last": .real(0.5)].with(values) }

/// Runs one task.
func run(
    _ method: String, _ values: Given = [:], times: [Double] = [], unit: TimeUnit = .steps, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> Recording {
    try harness.run(method, given(values), times: times, unit: unit, seed: seed, observables: observables)
}

/// All cases under `make test-long`, the first `count` else.
func atLeast<Case>(_ count: Int, _ cases: [Case]) -> [Case] { runsLongTests ? cases : Array(cases.prefix(count)) }

func testStream(_ number: UInt64) -> RandomStream {
    RandomStream(identity: TaskIdentity(high: 0x534D_4901, low: number))
}

func makeExpectations(
    layers: Int = 2, L: Int = 2, skip: Double = 1, reg: Double = 0, samples: Int = 8192, draws: Int = 4096,
    stream: UInt64 = 1
) throws -> Expectations {
    try Expectations(
        Network(layers: layers, L: L, skip: skip), reg: reg, samples: samples, draws: draws,
        random: testStream(stream))
}

extension Expectations {
    /// The Nishimori identity (21) of every layer, E sum_l g^2 = E sum_l g (z - omega)/V: both sides, without control
    /// variates.
    mutating func nishimori(q: [Double]) throws -> (squares: [Double], products: [Double]) {
        let (p, L) = (network.layers, network.L)
        let v = variance(q)
        var (squares, products) = (Array(repeating: 0.0, count: p), Array(repeating: 0.0, count: p))
        let n = Double(count)
        try forEachSample(q: q) { _, sample in
            for k in 0..<p {
                for l in 0..<L {
                    let at = l * p + k
                    let a = sample.moments.mean[at] - sample.omega[at]
                    let b = sample.other.mean[at] - sample.omega[at]
                    squares[k] += a * b / (v[k] * v[k] * n)
                    products[k] += 0.5 * (a + b) * (sample.z[at] - sample.omega[at]) / (v[k] * v[k] * n)
                }
            }
        }
        return (squares, products)
    }
}
