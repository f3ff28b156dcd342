import DMFTGradientDynamics
import Foundation
import Modeling
import ModelTesting
import Testing

/// One form of training whose simulation is compared with the theory at every step.
struct AgreementCase: Sendable, CustomTestStringConvertible {
    let name: String
    let method: String
    let values: Given
    /// Data sets of the simulation.
    let seeds: Int
    /// Whether it is tested every day.
    var isQuick: Bool { ["logistic, persistent", "attention with positions, bernoulli"].contains(name) }

    init(_ name: String, seeds: Int = 64, _ values: Given) {
        self.name = name
        method = values["batch_fraction"] == nil ? "gd" : "sgd"
        self.values = values
        self.seeds = seeds
    }

    var testDescription: String { name }
}

private let linear: Given = [
    "alpha": .real(1.5), "loss": .text("linear"), "noise_std": .real(0.3), "init_overlap": .real(0.2),
    "step_size": .real(0.2), "ridge": .real(0.1),
]
private let logistic: Given = [
    "alpha": .real(2), "loss": .text("logistic"), "init_scale": .real(0.5), "init_overlap": .real(0.1),
    "step_size": .real(0.5), "ridge": .real(0.05),
]
private let phase: Given = [
    "alpha": .real(3), "loss": .text("phase"), "init_scale": .real(0.5), "init_overlap": .real(0.3),
    "step_size": .real(0.02),
]
/// Tokens of L = 1 that have a mean of their own.
private let mean: Given = [
    "teachers": .integer(2), "teacher_gram": matrix([[1, 0.2], [0.2, 0.6]]), "positions": vector([1]),
    "M0": matrix([[0.1, 0.2]]),
]

private func sequence(_ loss: Loss, _ L: Int, _ k: Int, step: Double) -> Given {
    let start: Given =
        k == 1
        ? ["init_scale": .real(0.6), "init_overlap": .real(0.3)]
        : ["init_gram": matrix([[0.6, 0.1], [0.1, 0.8]]), "M0": matrix([[0.2], [0.4]])]
    return start.with([
        "loss": .text(loss.rawValue), "alpha": .real(2), "L": .integer(L), "width": .integer(k),
        "step_size": .real(step), "ridge": .real(0.02),
    ])
}
private func attention(_ L: Int, _ k: Int) -> Given { sequence(.tiedAttention, L, k, step: 0.5) }
/// The curvature is about 1/(L k): with larger steps the dynamics are unstable, and errors of any size grow.
private func average(_ L: Int, _ k: Int) -> Given { sequence(.tokenAverage, L, k, step: 0.33 * Double(L * k)) }
/// The same with means of the tokens: token l has that of teacher column `columns[l]`, 1 or 2.
private func positioned(_ values: Given, _ columns: [Double]) -> Given {
    let first = [0.3, 0.2, -0.1]
    return values.filter { $0.key != "init_overlap" }.with([
        "teachers": .integer(3), "teacher_gram": matrix([[1, 0.3, -0.2], [0.3, 0.5, 0.1], [-0.2, 0.1, 0.4]]),
        "M0": matrix(values["width"] == .integer(1) ? [first] : [first, [0.1, -0.1, 0.2]]),
        "positions": vector(columns),
    ])
}
private func batches(_ mask: Mask, _ fraction: Double, scaled: Bool = true) -> Given {
    var values: Given = [
        "mask": .text(mask.rawValue), "batch_fraction": .real(fraction), "scaled": .flag(scaled),
    ]
    if mask == .persistent { values["p_off"] = .real(0.3) }
    return values
}

let agreementCases: [AgreementCase] =
    [
        AgreementCase("linear", linear),
        AgreementCase("linear, bernoulli", linear.with(batches(.bernoulli, 0.5))),
        AgreementCase("linear, persistent", linear.with(batches(.persistent, 0.5))),
        AgreementCase("linear, epochs", linear.with(batches(.epoch, 0.5))),
        AgreementCase("linear with a mean", linear.with(mean).filter { $0.key != "init_overlap" }),
        AgreementCase("logistic", logistic),
        AgreementCase("logistic, bernoulli", logistic.with(batches(.bernoulli, 0.4))),
        AgreementCase("logistic, bernoulli, unscaled", logistic.with(batches(.bernoulli, 0.4, scaled: false))),
        AgreementCase("logistic, persistent", logistic.with(batches(.persistent, 0.4))),
        AgreementCase("logistic, persistent, unscaled", logistic.with(batches(.persistent, 0.6, scaled: false))),
        AgreementCase("logistic, epochs", logistic.with(batches(.epoch, 0.5))),
        AgreementCase("logistic with a mean", logistic.with(mean).filter { $0.key != "init_overlap" }),
        AgreementCase(
            "logistic with a mean, epochs",
            logistic.with(mean).with(batches(.epoch, 0.5)).filter { $0.key != "init_overlap" }),
        AgreementCase("phase", phase),
        AgreementCase("phase, epochs", phase.with(batches(.epoch, 0.5))),
        AgreementCase("phase on the sphere", phase.with(["spherical": .flag(true), "init_scale": .real(1)])),
        AgreementCase("logistic on the sphere", logistic.with(["spherical": .flag(true)])),
        AgreementCase(
            "logistic on the sphere, bernoulli",
            logistic.with(["spherical": .flag(true)]).with(batches(.bernoulli, 0.5))),
        AgreementCase("attention with positions", positioned(attention(2, 1), [1, 2])),
        AgreementCase(
            "attention with positions, bernoulli", positioned(attention(2, 1), [1, 2]).with(batches(.bernoulli, 0.5))),
        AgreementCase("attention L=3 k=2 with positions", seeds: 40, positioned(attention(3, 2), [1, 2, 1])),
        AgreementCase(
            "token average with positions, persistent",
            positioned(average(2, 1), [2, 1]).with(batches(.persistent, 0.6))),
        AgreementCase(
            "attention L=3 k=a=2, persistent", seeds: 52,
            attention(3, 2).with(["teachers": .integer(2), "M0": matrix([[0.3, 0.1], [0, 0.2]])])
                .with(batches(.persistent, 0.6))),
        AgreementCase("attention L=2 k=1, epochs", attention(2, 1).with(batches(.epoch, 0.5))),
        AgreementCase(
            "token average L=3 k=2, bernoulli, unscaled", seeds: 40,
            average(3, 2).with(batches(.bernoulli, 0.5, scaled: false))),
    ]
    + (1...4).flatMap { L in
        (1...2).flatMap { k in
            let seeds = L * k > 2 ? 40 : 64
            return [AgreementCase("token average L=\(L) k=\(k)", seeds: seeds, average(L, k))]
                // The attention of one token is 1.
                + (L == 1 ? [] : [AgreementCase("attention L=\(L) k=\(k)", seeds: seeds, attention(L, k))])
        }
    }

/// Seeds count from 1, none was chosen. Of 1703 differences none was more than 2.8 combined standard errors, their root
/// mean square 1.01: so 4 errors are room enough, and 0.8/d is what ``FiniteSizeTests`` sees at small d. Two minutes on one
/// core, of which two cases are enough for every day.
@Suite("DMFT against GD and SGD at d = 1000, at every step") struct AgreementTests {
    @Test(arguments: agreementCases.filter(\.isQuick)) func agree(_ item: AgreementCase) throws { try check(item) }

    @Test(.enabled(if: runsLongTests), arguments: agreementCases.filter { !$0.isQuick })
    func agreeEverywhere(_ item: AgreementCase) throws { try check(item) }

    private func check(_ item: AgreementCase) throws {
        let d = 1000
        let times = (0...8).map(Double.init)
        let names: Set<String> = ["overlap", "q", "train_loss", "test_loss"]
        let simulated = try (1...item.seeds).map {
            try harness.run(
                item.method, item.values.with(["d": .integer(d), "runs": .integer(4)]), times: times, unit: .steps,
                seed: $0, observables: names)
        }
        let theory = try (1...24).map {
            try harness.run(
                "dmft", item.values.with(["mc_samples": .integer(16384)]), times: times, unit: .steps, seed: $0,
                observables: names)
        }
        for name in names.sorted() {
            let (a, b) = (SeedMean(simulated, name), SeedMean(theory, name))
            for at in a.mean.indices {
                let error = hypot(a.error[at], b.error[at])
                let scale = max(abs(b.mean[at]), 0.2)
                #expect(
                    abs(a.mean[at] - b.mean[at]) < 4 * error + 0.8 / Double(d) * scale + 1e-6,
                    "\(name)[\(at)]: \(a.mean[at]) +- \(a.error[at]), theory \(b.mean[at]) +- \(b.error[at])")
                #expect(4 * error < 0.08 * scale, "\(name)[\(at)]: +- \(error)")
            }
        }
    }
}

@Suite("DMFT: what finite dimensions add") struct FiniteSizeTests {
    /// Tied attention after ten steps: overlap and training loss are off by -0.8/d and 0.1/d, from d = 25 on.
    @Test("deviations of the simulation shrink like 1/d") func shrinking() throws {
        let values = attention(2, 1).with(["init_scale": .real(0.5)])
        func mean(_ name: String, _ all: [Recording]) -> (Double, Double) {
            let found = SeedMean(all, name)
            return (found.mean[0], found.error[0])
        }
        func records(_ method: String, _ values: Given, seeds: Int) throws -> [Recording] {
            try (1...seeds).map {
                try harness.run(
                    method, values, times: [10], unit: .steps, seed: $0, observables: ["overlap", "train_loss"])
            }
        }
        let theory = try records("dmft", values.with(["mc_samples": .integer(16384)]), seeds: 24)
        let sizes = [(25, 2000), (50, 2000), (100, 2000)]
        let simulated = try sizes.map { d, seeds in
            try records("gd", values.with(["d": .integer(d), "runs": .integer(2)]), seeds: seeds)
        }
        for name in ["overlap", "train_loss"] {
            let limit = mean(name, theory)
            let deviations = zip(sizes, simulated).map { size, all in
                let found = mean(name, all)
                return (Double(size.0) * (found.0 - limit.0), Double(size.0) * hypot(found.1, limit.1))
            }
            // d times the deviation: 12 and more standard errors from 0, and the same at every d.
            #expect(abs(deviations[0].0) > 12 * deviations[0].1, "\(name)")
            for deviation in deviations[1...] {
                #expect(
                    abs(deviation.0 - deviations[0].0)
                        < 4 * hypot(deviation.1, deviations[0].1) + 0.2 * abs(deviations[0].0), "\(name)")
                #expect(abs(deviation.0) > 3 * deviation.1, "\(name)")
            }
        }
    }
}
