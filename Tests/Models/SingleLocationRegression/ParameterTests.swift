import Modeling
import Models
import Numerics
import Testing

@Suite("Single-location regression: parameters, outcomes, resuming")
struct SLRParameterTests {
    static let bad: [([String: ParameterValue], String, String)] = [
        (["noise": .real(0.1), "eps": .real(0.3)], "noise", "give one of the two"),
        (["init": .text("sphere"), "kappa0": .real(0.1)], "init", "init: overlaps only"),
        (["init": .text("manifold"), "init_scale": .real(0.1)], "init", "give kappa0"),
        (["init_scale": .real(0.1)], "init", "give kappa0"),
        (["kappa0": .real(0.9), "eta0": .real(0.9)], "kappa0", "kappa^2 + eta^2"),
        (["nu0": .real(0.9), "theta0": .real(0.9)], "kappa0", "theta^2 + nu^2"),
        (["kappa0": .real(1), "nu0": .real(1), "rho0": .real(0.1)], "kappa0", "no unit vectors"),
        (["kappa0": .real(0.5), "init_scale": .real(3)], "kappa0", "kappa^2 + eta^2"),
    ]

    @Test(arguments: bad.indices) func whatDoesNotFitIsRefused(index: Int) throws {
        let (values, name, words) = Self.bad[index]
        let error = #expect(throws: ModelError.self) { try runSLR("reduced-pgd", slrValues([], values), times: [0]) }
        guard case .parameter(let parameter, let text)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(parameter == name && text.contains(words), "\(parameter): \(text)")
    }

    @Test func sizesThatDoNotFitAreRefused() {
        for (method, values) in [
            ("pgd", ["d": ParameterValue.integer(1_000_000_000_000)]),
            ("sgd", ["d": .integer(1_000_000_000)]),
            ("overlap-chain", ["L": .integer(1_000_000), "batch_size": .integer(1_000_000)]),
            ("reduced-pgd", ["attention": .text("softmax"), "lambda0": .real(1e5)]),
        ] as [(String, [String: ParameterValue])] {
            #expect(throws: ModelError.self, "\(method)") { try runSLR(method, slrValues([], values), times: [1]) }
        }
    }

    @Test func prescribedStartsAndScales() throws {
        let q = [0.3, -0.2, 0.1, 0.15, 0.25]
        for method in ["pgd", "reduced-pgd", "sgd", "overlap-chain", "gradient-flow"] {
            let start = try runSLR(method, slrValues(q), times: [0]).overlaps(0)
            #expect(largestDifference(start, q) < 1e-14, "\(method)")
            let scaled = try runSLR(method, slrValues(q, ["init_scale": .real(0.5)]), times: [0]).overlaps(0)
            #expect(largestDifference(scaled, q.map { 0.5 * $0 }) < 1e-14, "\(method)")
        }
        // Ends of the range: no frame vector is left to divide by.
        for q in [[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [1, 0, 1, 0, 1], [-1, 0.5, 0, 0, 0]] as [[Double]] {
            for method in ["pgd", "overlap-chain", "sgd"] {
                let record = try runSLR(method, slrValues(q), times: [0, 3])
                #expect(largestDifference(record.overlaps(0), q) < 1e-14)
                #expect(record.overlaps(1).allSatisfy { abs($0) <= 1 + 1e-12 })
            }
        }
    }

    @Test func outcomes() throws {
        for (q, oracle, swapped) in [
            ([0.9, 0.95, 0, 0, 0], 1.0, 0.0), ([-0.6, -0.95, 0, 0, 0], 1, 0), ([0.4, 0.95, 0, 0, 0], 0, 0),
            ([0.1, 0.1, 0.6, -0.95, 0], 0, 1),
        ] as [([Double], Double, Double)] {
            let record = try runSLR("reduced-pgd", slrValues(q), times: [0])
            #expect(record("is_oracle") == [oracle] && record("is_swapped") == [swapped])
        }
        for method in SingleLocationRegression().methods where method.isTimed {
            #expect(
                method.observables.contains { $0.name == "frac_oracle" && $0.aggregate == .seedMean(of: "is_oracle") })
            #expect(
                method.observables.contains { $0.name == "frac_swapped" && $0.aggregate == .seedMean(of: "is_swapped") }
            )
        }
    }

    @Test(
        arguments: ["pgd", "reduced-pgd", "gradient-flow", "sgd", "overlap-chain", "closed-form"],
        AttentionKind.allCases)
    func runsGoOnFromASavedState(method: String, attention: AttentionKind) throws {
        let isPopulation = ["pgd", "reduced-pgd", "gradient-flow"].contains(method)
        let isSlow = isPopulation && attention == .softmax
        let values = slrValues(
            [],
            [
                "d": .integer(37), "L": .integer(3), "lambda_increment": .real(1e-3), "bayes_samples": .integer(100),
                "attention": .text(attention.rawValue),
            ])
        let times = method == "closed-form" ? [Double.infinity] : (isSlow ? [0, 1, 6, 40] : [0, 1, 2, 700, 3000])
        let (request, sink) = try slrTask(method, values, times: times)
        let model = SingleLocationRegression()
        let expected = try recordedBits(request, sink, makeRun: model.makeRun).bits
        var saves = 0
        for round in 0..<4 {
            let choices = RandomStream(identity: TaskIdentity(high: 0x51A7E, low: UInt64(round)))
            let interrupted = try recordedBits(request, sink, choices: choices, makeRun: model.makeRun)
            #expect(interrupted.bits == expected)
            saves += interrupted.saves
        }
        #expect(saves > (method == "closed-form" ? 1 : 8))
    }
}
