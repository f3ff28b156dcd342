import Numerics

/// The law of teacher and initial weights that the theory sees: Gram matrices per coordinate. Matrices are row-major.
public struct DMFTPrior: Sendable {
    /// Student columns k and teacher columns a.
    public let students: Int
    public let teachers: Int
    /// Q* = W*^T W*/d, a x a, positive definite.
    public let teacherGram: [Double]
    /// q0 = W_0^T W_0/d, k x k.
    public let startGram: [Double]
    /// M0 = W_0^T W*/d, k x a.
    public let startOverlap: [Double]
    /// The teacher column that is sqrt(d) times the mean of each token; nil: the tokens' means are 0.
    public let positions: [Int]?
    /// Q*^-1.
    public let inverseTeacherGram: [Double]
    /// The lower triangular factor of Q*.
    public let teacherFactor: [Double]
    /// The lower triangular factor of q0 - M0 Q*^-1 M0^T.
    public let startFactor: [Double]

    /// - Throws: ``DMFTError/prior(_:)`` when Q* is not positive definite or q0 - M0 Q*^-1 M0^T not positive semidefinite,
    ///   or when lengths do not fit.
    public init(
        students: Int, teachers: Int, teacherGram: [Double], startGram: [Double], startOverlap: [Double],
        positions: [Int]? = nil
    ) throws {
        guard teacherGram.count == teachers * teachers, startGram.count == students * students,
            startOverlap.count == students * teachers,
            positions?.allSatisfy({ (0..<teachers).contains($0) }) ?? true
        else { throw DMFTError.prior("the sizes of Q*, q0, M0 and the positions do not fit together") }
        self.students = students
        self.teachers = teachers
        self.teacherGram = teacherGram
        self.startGram = startGram
        self.startOverlap = startOverlap
        self.positions = positions
        guard let factor = SmallMatrix.cholesky(teacherGram, teachers, tolerance: 1e-12, allowsZero: false) else {
            throw DMFTError.prior("the teachers' Gram matrix Q* is not symmetric and positive definite")
        }
        teacherFactor = factor
        inverseTeacherGram = SmallMatrix.inverse(factor: factor, teachers)
        let free = Self.conditionalGram(
            startGram, startOverlap, inverseTeacherGram, students: students, teachers: teachers)
        guard SmallMatrix.isSymmetric(startGram, students),
            let factor = SmallMatrix.cholesky(
                free, students, tolerance: 1e-10, allowsZero: true, scale: startGram.map(abs).max() ?? 1)
        else {
            throw DMFTError.prior(
                "q0 - M0 Q*^-1 M0^T is not symmetric and positive semidefinite: the start cannot overlap that much with "
                    + "the teacher at its norm")
        }
        startFactor = factor
    }

    /// M Q*^-1 (k x a): the coefficients of a fresh sample's fields on its teacher fields.
    public func regression(_ overlap: [Double]) -> [Double] {
        SmallMatrix.product(overlap, inverseTeacherGram, students, teachers, teachers)
    }

    /// q - M Q*^-1 M^T (k x k): the covariance of a fresh sample's fields given its teacher fields.
    public func conditionalGram(_ gram: [Double], _ overlap: [Double]) -> [Double] {
        Self.conditionalGram(gram, overlap, inverseTeacherGram, students: students, teachers: teachers)
    }

    private static func conditionalGram(
        _ gram: [Double], _ overlap: [Double], _ inverse: [Double], students k: Int, teachers a: Int
    ) -> [Double] {
        let coefficients = SmallMatrix.product(overlap, inverse, k, a, a)
        var result = gram
        for i in 0..<k {
            for j in 0..<k {
                for c in 0..<a { result[i * k + j] -= coefficients[i * a + c] * overlap[j * a + c] }
            }
        }
        return result
    }

    /// The mean of the student field (token l, student i) at overlaps `overlap`, M[i, position of l]; 0 without positions.
    @inline(__always)
    public func studentMean(_ overlap: [Double], token: Int, student: Int) -> Double {
        guard let positions else { return 0 }
        return overlap[student * teachers + positions[token]]
    }

    /// The mean of the teacher field (token l, column j), Q*[position of l, j]; 0 without positions.
    @inline(__always)
    public func teacherMean(token: Int, teacher: Int) -> Double {
        guard let positions else { return 0 }
        return teacherGram[positions[token] * teachers + teacher]
    }
}

/// What dynamical mean-field theory can answer instead of a trajectory.
public enum DMFTError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The Gram matrices contradict each other.
    case prior(String)
    /// A number left the numbers at this step.
    case diverged(step: Int)
    /// The noise of the sampling has grown out of hand at this step.
    case sampling(step: Int)
    /// The sizes do not work out.
    case size(String)

    public var description: String {
        switch self {
        case .prior(let what), .size(let what): what
        case .sampling(let step):
            "the kernels and the copies disagree at step \(step): the noise of the sampling feeds back on itself; raise "
                + "mc_samples or probes, or take smaller steps"
        case .diverged(let step): "an order parameter is not finite at step \(step); the step size may be too large"
        }
    }
}
