import Modeling

/// The observables of learning a matrix of extensive rank, after the letter of its error: E, E_single, ...
public struct MatrixObservables: Sendable {
    private let text: String

    /// The error, and those of single runs.
    public let error, single, deviation, spread, ofRuns: Observable
    /// Of theory.
    public let overlap, noise, sampleRatio: Observable
    /// Of state evolution and message passing.
    public let estimate, precision, settling, residual, change, iterations, converged: Observable
    /// Of descent: the mean squared residual of the labels, in mean over runs.
    public let trainError: Observable

    /// - Parameters:
    ///   - letter: of the error.
    ///   - text: what the error is.
    ///   - spread: what the spread is a mean squared distance in units of, as in `over d L`.
    ///   - estimate: the symbol of the algorithm's own estimate of the error.
    ///   - precision: what A is.
    ///   - outputs: what the training error is of.
    ///   - change: the norm of the change in an iteration.
    ///   - entries: the number of entries, as in `d^2`.
    public init(
        _ letter: String, _ text: String, spread unit: String, estimate symbol: String, precision: String,
        outputs: String = "", change norm: String, entries: String
    ) {
        self.text = text
        error = Observable(letter, symbol: letter, text)
        single = Observable("\(letter)_single", symbol: "\(letter)_1", "mean over runs of each one's error")
        deviation = Observable(
            "\(letter)_single_std", symbol: "\\sigma_{\(letter)_1}", "standard deviation over runs of each one's error")
        spread = Observable(
            "spread", symbol: "\\Delta_B", "mean squared distance of runs from their average, \(unit)")
        ofRuns = Observable(
            "\(letter)_runs", symbol: "\(letter)_b", "error of each run",
            dimensions: [ExtraDimension("run", .value(of: MatrixKeys.runs))], byDefault: false)
        overlap = Observable(
            "q_star", symbol: "q", "overlap of the posterior mean with the target, 1 - \(letter)", inTime: false)
        noise = Observable("t_star", symbol: "t", "variance of the effective noise on the matrix", inTime: false)
        sampleRatio = Observable(
            "alpha_realised", symbol: "\\alpha", "n/(\(entries)) with whole numbers", inTime: false)
        estimate = Observable("V", symbol: symbol, "the algorithm's own estimate of \(letter)")
        self.precision = Observable("A", symbol: "A", "\(precision) (none at iteration 0)")
        iterations = Observable("iterations", symbol: "k", "iterations made", inTime: false)
        settling = Observable(
            "iterations", symbol: "k",
            "iterations until \(letter) changes by less than 1e-12 of itself, or the last one",
            inTime: false)
        residual = Observable(
            "residual", symbol: "\\epsilon", "change of \(letter) in the last iteration", inTime: false)
        change = Observable(
            "change", symbol: "\\delta S", "\(norm) in the last iteration over (1 - damping)^2")
        converged = Observable(
            "converged", symbol: "", "1 when the change came below the tolerance", inTime: false)
        trainError = Observable(
            "train_error", symbol: "e", "(1/n) sum_i (yhat_i - y_i)^2\(outputs), mean over runs")
    }

    private func error(_ more: String, inTime: Bool = false) -> Observable {
        Observable(error.name, symbol: error.symbol, text + more, inTime: inTime)
    }

    /// The specification of `bayes`, with what a model adds to its observables.
    public func bayes(_ method: some RawRepresentable<String>, and more: [Observable]) -> MethodSpec {
        .closedForm(
            method, [error(", of the posterior mean"), overlap, noise, sampleRatio] + more,
            "the best possible error: where the state evolution stands still")
    }

    /// That of `state-evolution`.
    public func stateEvolution(_ method: some RawRepresentable<String>) -> MethodSpec {
        MethodSpec(
            method, kind: .theory, isSeeded: false, time: .iterations,
            observables: [error(" after this iteration", inTime: true), estimate, precision, settling, residual],
            "error of undamped message passing at each iteration; time is iterations")
    }

    /// That of `sampling`.
    public func sampling(_ method: some RawRepresentable<String>) -> MethodSpec {
        .closedForm(
            method,
            [error(", of the average of the samples")] + [single, spread].map { $0.recorded(inTime: false) },
            "error of the average of `runs` samples of the posterior, (1 + 1/runs) times the best")
    }

    /// That of `amp`.
    public func messagePassing(_ method: some RawRepresentable<String>, and more: [Observable]) -> MethodSpec {
        MethodSpec(
            method, kind: .simulation, isSeeded: true, time: .iterations,
            observables: [error, estimate, precision] + more + [change, iterations, converged],
            "GAMP-RIE: message passing with a rotationally invariant denoiser; time is iterations")
    }

    /// That of `gd` or `langevin`.
    public func descent(
        _ method: some RawRepresentable<String>, and more: [Observable], _ summary: String
    ) -> MethodSpec {
        MethodSpec(
            method, kind: .simulation, isSeeded: true, time: .steps,
            observables: [
                error(", of the average of the runs (langevin: and of steps after burn_in)", inTime: true), single,
                deviation, spread, trainError, ofRuns,
            ] + more, summary)
    }

    /// What langevin is.
    public var langevinSummary: String {
        "unadjusted Langevin sampling of the posterior; \(error.name) is of the average over chains, and over time after burn_in"
    }
}

extension MethodSpec {
    /// A theory without time or seed.
    public static func closedForm(
        _ method: some RawRepresentable<String>, _ observables: [Observable], _ summary: String
    ) -> MethodSpec {
        MethodSpec(method, kind: .theory, isSeeded: false, time: .none, observables: observables, summary)
    }
}
