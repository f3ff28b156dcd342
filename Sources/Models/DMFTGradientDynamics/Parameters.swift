import Dynamics
import Modeling

extension DMFTGradientDynamics {
    /// One grid point of the model, checked, with all derived defaults worked out.
    public struct Parameters: ModelParameters {
        /// n/d, up to 1000.
        package let alpha: Double
        /// Token dimension, at least k + a; 0 for theories, whose d is infinite.
        package let d: Int
        /// The loss of a sample.
        package let loss: Loss
        /// L, 1 to 8.
        package let tokens: Int
        /// Student columns k, 1 to 8.
        package let students: Int
        /// Gram matrices and overlaps of teacher and start, positions of the tokens' means.
        package let prior: DMFTPrior
        /// eta of (11), not negative.
        package let stepSize: Double
        /// lambda of (11), not negative.
        package let ridge: Double
        /// The weights of samples in (12).
        package let batches: BatchLaw
        /// Whether (13) follows each step.
        package let isSpherical: Bool
        /// sigma^2, the variance of the label noise; 0 but for the linear loss.
        package let noise: Double
        /// Inverse temperature of the attention, positive.
        package let beta: Double
        /// Starts on one data set, 1 to 1024; 1 for theories.
        package let runs: Int
        /// Copies N of the effective process, 64 to 10^8; 0 but for `dmft`.
        package let copies: Int
        /// How responses are found.
        package let tangents: DMFTSettings.Tangents

        /// a, with the columns of the tokens' means.
        package var teachers: Int { prior.teachers }
        /// n = round(alpha d), at least 1.
        package var samples: Int { max(Int((alpha * Double(d)).rounded()), 1) }
        /// Numbers of a sample's target.
        var targetWidth: Int { loss == .tiedAttention ? tokens * tokens : 1 }

        public init(_ point: Reader, method: Method) throws {
            alpha = try point[Keys.alpha]
            loss = try point[Keys.loss]
            tokens = try point[Keys.L]
            students = try point[Keys.width]
            noise = try point[Keys.noise]
            stepSize = try point[Keys.stepSize]
            ridge = try point[Keys.ridge]
            isSpherical = try point[Keys.spherical]
            beta = loss == .tiedAttention ? try point[Keys.beta] : 1
            guard noise == 0 || loss == .linear else {
                throw ModelError.conflict(Keys.noise, "label noise is part of the linear loss only")
            }
            guard !loss.isScalar || (tokens == 1 && students == 1) else {
                throw ModelError.conflict(
                    Keys.loss,
                    "\(loss.rawValue) has one token and one student column (L: 1, width: 1); losses of sequences are "
                        + "token-average and tied-attention")
            }
            guard !isSpherical || students == 1 else {
                throw ModelError.parameter(Keys.spherical, "is for one student column (width: 1)")
            }
            batches = try BatchLaw(point, method)
            prior = try DMFTPrior(point, loss, tokens: tokens, students: students)
            switch method {
            case .gd, .sgd:
                d = try point[Keys.d]
                runs = try point[Keys.runs]
                let columns = students + prior.teachers
                guard d >= columns else {
                    throw ModelError.parameter(
                        Keys.d,
                        "must be at least \(columns) for simulations: teacher and student columns have prescribed Gram "
                            + "matrices")
                }
            case .dmft, .onePass, .closedForm: (d, runs) = (0, 1)
            }
            switch method {
            case .dmft:
                copies = try point[Keys.mcSamples]
                tangents = try point[Keys.tangents] == .exact ? .exact : .probes(point[Keys.probes])
            case .gd, .sgd, .onePass, .closedForm: (copies, tangents) = (0, .exact)
            }
            if method == .closedForm { try checkClosedForm() }
        }

        private func checkClosedForm() throws {
            func refusal(_ sentence: String) -> ModelError { .conflict(Keys.loss, "closed-form is for " + sentence) }
            guard loss == .linear else { throw refusal("loss: linear; dmft takes every loss") }
            guard prior.positions == nil else { throw refusal("tokens of mean 0: leave out positions") }
            guard !isSpherical else { throw refusal("spherical: false; dmft can have it") }
            switch batches.mask {
            case .full, .bernoulli: break
            case .persistent, .epoch: throw refusal("mask: bernoulli when there are batches; dmft takes the others")
            }
        }
    }
}

package typealias Parameters = DMFTGradientDynamics.Parameters
typealias Method = DMFTGradientDynamics.Method

extension BatchLaw {
    /// The batches of a point; gd has none, and a fresh sample is in one batch only, whatever the mask.
    fileprivate init(_ point: Reader, _ method: Method) throws {
        let b = method == .gd ? 1 : try point[Keys.batchFraction]
        guard b < 1 else {
            self = .full
            return
        }
        let mask: Mask
        switch method == .onePass ? .bernoulli : try point[Keys.mask] {
        case .bernoulli: mask = .bernoulli
        case .epoch:
            let batches = (1 / b).rounded()
            guard abs(b * batches - 1) < 1e-9, batches < 0x1p40 else {
                throw ModelError.parameter(
                    Keys.mask, "epoch needs a batch_fraction of 1/m for a whole m, not \(b)")
            }
            mask = .epoch(batches: Int(batches))
        case .persistent:
            guard let pOff = try point.given(Keys.pOff) else {
                throw ModelError.parameter(Keys.mask, "persistent needs p_off")
            }
            let pOn = BatchLaw.persistentOn(fraction: b, pOff: pOff)
            guard pOn <= 1 else {
                throw ModelError.parameter(
                    Keys.mask, "persistent with batch_fraction \(b) and p_off \(pOff) would have p_on = \(pOn) above 1")
            }
            mask = .persistent(pOff: pOff)
        }
        self.init(mask: mask, fraction: b, scaled: try point[Keys.scaled])
    }
}

extension DMFTPrior {
    /// Gram matrices, overlaps and positions of a point.
    fileprivate init(_ point: Reader, _ loss: Loss, tokens L: Int, students k: Int) throws {
        let a = try point[Keys.teachers]
        /// The matrix `key`, or else `number` on its diagonal.
        func matrix(
            _ key: Key<ArrayValue>, _ rows: Int, _ columns: Int, or number: Key<Double>, _ usual: Double
        ) throws -> [Double] {
            try point.check(OneOf("the same matrix", number, key))
            guard let array = try point.given(key) else {
                let value = try point.read(number, or: usual)
                return (0..<rows * columns).map { $0 / columns == $0 % columns ? value : 0 }
            }
            guard array.shape == [rows, columns] else {
                let shape = array.shape.map(String.init).joined(separator: " x ")
                throw ModelError.parameter(key, "must have \(rows) rows of \(columns), not \(shape)")
            }
            return array.elements
        }
        let positions = try Self.positions(point, tokens: L, teachers: a)
        let targets = a - Set(positions ?? []).count
        guard targets >= 1 else {
            throw ModelError.parameter(Keys.positions, "leave no teacher column for the target")
        }
        guard loss == .tiedAttention || targets == 1 else {
            throw ModelError.conflict(
                Keys.teachers, "\(loss.rawValue) has one teacher column (and those of positions)")
        }
        do {
            try self.init(
                students: k, teachers: a,
                teacherGram: matrix(Keys.teacherGram, a, a, or: Keys.teacherNorm, 1),
                startGram: matrix(Keys.initGram, k, k, or: Keys.initScale, 1),
                startOverlap: matrix(Keys.M0, k, a, or: Keys.initOverlap, 0), positions: positions)
        } catch let error as DMFTError { throw ModelError.parameter(Keys.initScale, "does not fit: \(error)") }
    }

    /// The teacher column of each token's mean: the last columns, all of them.
    private static func positions(_ point: Reader, tokens L: Int, teachers a: Int) throws -> [Int]? {
        guard let columns = try point.given(Keys.positions)?.elements else { return nil }
        guard columns.count == L, columns.allSatisfy({ $0 == $0.rounded() && $0 >= 0 && $0 < Double(a) }) else {
            throw ModelError.parameter(
                Keys.positions, "must be \(L) teacher columns from 0 to \(a - 1), one a token")
        }
        let positions = columns.map { Int($0) }
        guard positions.min() == a - Set(positions).count else {
            throw ModelError.parameter(
                Keys.positions, "must be the last columns of the teacher, after those that the target depends on")
        }
        return positions
    }
}
