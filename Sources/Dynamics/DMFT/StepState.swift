import Numerics
import Persistence

/// What all copies share in the evaluation of one step: the coefficients of their fields on the past.
struct StepCoefficients: Sendable {
    /// S_t times the factor of Zp_0's covariance: on the start's normals, k x k.
    private var start: [Double] = []
    /// M_t Q*^-1: on the centred teacher fields, k x a.
    private var teacher: [Double] = []
    /// M_t, k x a.
    private var overlap: [Double] = []
    /// On the kept gradients, k x members.
    private var gradients: [Double] = []
    /// On the normals from the first one on, k x (those of the start + members).
    private var noise: [Double] = []
    /// -eta R_t, k x (t k).
    private var responses: [Double] = []

    init() {}

    init(
        _ kernels: DMFTKernels, _ basis: GradientBasis, _ prior: DMFTPrior, startColumns: Int, stepSize eta: Double
    ) {
        let (k, t, members) = (kernels.students, kernels.time, basis.size)
        let past = t * k
        overlap = kernels.overlap(at: t)
        teacher = prior.regression(overlap)
        start = SmallMatrix.product(Array(kernels.start[past * k..<(past + k) * k]), prior.startFactor, k, k, k)
        responses = Array(repeating: 0, count: max(k * past, 1))
        for i in 0..<k {
            for s in 0..<past { responses[i * past + s] = -eta * kernels.R[(past + i) * kernels.stride + s] }
        }
        gradients = Array(repeating: 0, count: max(k * members, 1))
        noise = Array(repeating: 0, count: k * (startColumns + members))
        guard members > 0, past > 0 else { return }
        BLAS.gemm(
            m: k, n: members, k: past, responses, leadingA: past, basis.coordinates, leadingB: basis.leading,
            &gradients, leadingC: members)
        noise.withUnsafeMutableBufferPointer { noise in
            guard let noise = noise.baseAddress else { return }
            BLAS.gemm(
                m: k, n: members, k: past, responses, leadingA: past, basis.factor, leadingB: basis.leading,
                noise + startColumns, leadingC: startColumns + members)
        }
    }

    struct Pointers {
        let start: UnsafePointer<Double>
        let teacher: UnsafePointer<Double>
        let overlap: [Double]
        let gradients: UnsafePointer<Double>
        let noise: UnsafePointer<Double>
        let responses: UnsafePointer<Double>
    }

    /// Calls `body` with pointers to all coefficients.
    func withPointers(_ body: (Pointers) -> Void) {
        start.withUnsafeBufferPointer { start in
            teacher.withUnsafeBufferPointer { teacher in
                gradients.withUnsafeBufferPointer { gradients in
                    noise.withUnsafeBufferPointer { noise in
                        responses.withUnsafeBufferPointer { responses in
                            guard let start = start.baseAddress, let teacher = teacher.baseAddress,
                                let gradients = gradients.baseAddress, let noise = noise.baseAddress,
                                let responses = responses.baseAddress
                            else { return }
                            body(
                                Pointers(
                                    start: start, teacher: teacher, overlap: overlap, gradients: gradients,
                                    noise: noise, responses: responses))
                        }
                    }
                }
            }
        }
    }
}

/// The sums over copies that one step collects.
struct StepSums: Sendable, Resumable {
    /// sum of g_i g of member c: at [i members + c], eight partial sums each.
    private(set) var members: [Lanes] = []
    /// sum of g_i g_j, k x k.
    private(set) var own: [Double] = []
    /// sum of g_i Z_j, k x k.
    private(set) var fields: [Double] = []
    /// sum of g_i z*_j, means included, k x a.
    private(set) var teacher: [Double] = []
    private(set) var loss = [0.0]
    /// What ``DMFTTangents`` collects.
    var tangents: [Double] = []

    init() {}

    init(students k: Int, teachers a: Int, members count: Int, tangentSums: Int) {
        members = Array(repeating: .zero, count: max(k * count, 1))
        own = Array(repeating: 0, count: k * k)
        fields = own
        teacher = Array(repeating: 0, count: k * a)
        tangents = Array(repeating: 0, count: tangentSums)
    }

    struct Pointers {
        let members: UnsafeMutablePointer<Lanes>
        let own: UnsafeMutablePointer<Double>
        let fields: UnsafeMutablePointer<Double>
        let teacher: UnsafeMutablePointer<Double>
        let loss: UnsafeMutablePointer<Double>
        let tangents: UnsafeMutablePointer<Double>
    }

    /// Calls `body` with pointers to all sums.
    mutating func withPointers(_ body: (Pointers) -> Void) {
        members.withUnsafeMutableBufferPointer { members in
            own.withUnsafeMutableBufferPointer { own in
                fields.withUnsafeMutableBufferPointer { fields in
                    teacher.withUnsafeMutableBufferPointer { teacher in
                        loss.withUnsafeMutableBufferPointer { loss in
                            tangents.withUnsafeMutableBufferPointer { tangents in
                                guard let members = members.baseAddress, let own = own.baseAddress,
                                    let fields = fields.baseAddress, let teacher = teacher.baseAddress,
                                    let loss = loss.baseAddress, let tangents = tangents.baseAddress
                                else { return }
                                body(
                                    Pointers(
                                        members: members, own: own, fields: fields, teacher: teacher, loss: loss,
                                        tangents: tangents))
                            }
                        }
                    }
                }
            }
        }
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        var lanes = members.flatMap { sum in (0..<8).map { sum[$0] } }
        try archive.exchange(resizing: &lanes)
        try archive.exchange(resizing: &own)
        try archive.exchange(resizing: &fields)
        try archive.exchange(resizing: &teacher)
        try archive.exchange(&loss)
        try archive.exchange(resizing: &tangents)
        guard archive.isRestoring else { return }
        guard lanes.count % 8 == 0 else { throw StateArchiveError.invalid("sums are not in groups of eight") }
        members = (0..<lanes.count / 8).map { group in
            var sum = Lanes.zero
            for i in 0..<8 { sum[i] = lanes[8 * group + i] }
            return sum
        }
    }
}
