import Dynamics
import Modeling
import Numerics

/// The conditions that tie parameters together, and the defaults that follow from others. Both the job check (on
/// sub-grids) and ``DGDParameters`` use them.
enum DGDRules {
    /// One more than the most steps that are taken.
    static let longest = 1 << 40

    /// The rules of one method: full batch has no batches and fresh data no mask, and only simulations have a d.
    static func rules(_ method: String) -> [ParameterRule] {
        all.filter { !["gd", "one-pass"].contains(method) || $0.name != "mask" }
            + (["gd", "sgd"].contains(method) ? [dimension] : method == "closed-form" ? [solvable] : [])
    }

    private static let solvable = ParameterRule("loss", ["positions", "batch_fraction", "mask", "spherical"]) { point in
        guard loss(point) == .linear else { return "closed-form is for loss: linear; dmft takes every loss" }
        if point["positions"] != nil { return "closed-form is for tokens of mean 0: leave out positions" }
        if (try? point.flag("spherical")) == true { return "closed-form is for spherical: false; dmft can have it" }
        guard let b = real(point, "batch_fraction"), b < 1, let mask: DGDMask = try? point.choice("mask") else {
            return nil
        }
        return mask == .bernoulli ? nil : "closed-form with batches is for mask: bernoulli; dmft takes the others"
    }

    private static let dimension = ParameterRule("d", ["teachers", "width"]) { point in
        guard let d = integer(point, "d"), let k = integer(point, "width"), let a = integer(point, "teachers"),
            d < k + a
        else { return nil }
        return "must be at least \(k + a) for simulations: teacher and student columns have prescribed Gram matrices"
    }

    private static let all: [ParameterRule] = [
        ParameterRule("noise", ["sigma", "loss"]) { point in
            guard point["noise"] == nil || point["sigma"] == nil else {
                return "noise is sigma^2: give one of the two"
            }
            let noise = (real(point, "noise") ?? 0) + (real(point, "sigma") ?? 0)
            return noise > 0 && loss(point) != .linear ? "label noise is part of the linear loss only" : nil
        },
        ParameterRule("loss", ["L", "width"]) { point in
            guard let loss = loss(point), [.linear, .logistic, .phase].contains(loss) else { return nil }
            guard integer(point, "width") == 1, integer(point, "L") == 1 else {
                return
                    "\(loss.rawValue) has one token and one student column (L: 1, width: 1); losses of sequences are "
                    + "token-average and tied-attention"
            }
            return nil
        },
        ParameterRule("spherical", ["width"]) { point in
            guard (try? point.flag("spherical")) == true, integer(point, "width") != 1 else { return nil }
            return "is for one student column (width: 1)"
        },
        ParameterRule("mask", ["batch_fraction", "p_off"]) { point in
            guard let mask: DGDMask = try? point.choice("mask"), let b = real(point, "batch_fraction") else {
                return nil
            }
            switch mask {
            case .bernoulli: return nil
            case .epoch:
                let batches = (1 / b).rounded()
                return abs(b * batches - 1) < 1e-9 ? nil : "epoch needs a batch_fraction of 1/m for a whole m, not \(b)"
            case .persistent:
                guard b < 1 else { return nil }
                guard let pOff = real(point, "p_off") else { return "persistent needs p_off" }
                let pOn = BatchLaw.persistentOn(fraction: b, pOff: pOff)
                return pOn <= 1
                    ? nil : "persistent with batch_fraction \(b) and p_off \(pOff) would have p_on = \(pOn) above 1"
            }
        },
        ParameterRule(
            "init_scale",
            [
                "init_gram", "init_overlap", "M0", "teacher_norm", "teacher_gram", "positions", "width", "teachers",
                "L",
                "loss",
            ]
        ) { point in
            do {
                _ = try prior(point)
                return nil
            } catch ModelError.parameter(let name, let what) {
                return name == "init_scale" ? what : "\(name) \(what)"
            } catch { return "\(error)" }
        },
    ]

    /// Gram matrices, overlaps and positions of a grid point.
    static func prior(_ point: ParameterPoint) throws -> DMFTPrior {
        let k = try point.integer("width")
        let a = try point.integer("teachers")
        func matrix(
            _ array: String, _ number: String, rows: Int, columns: Int, default value: Double
        ) throws -> [Double] {
            if let given = try point.arrayIfGiven(array) {
                guard point[number] == nil else {
                    throw ModelError.parameter(array, "stands in place of \(number): give one")
                }
                guard given.shape == [rows, columns] else {
                    throw ModelError.parameter(
                        array,
                        "must have \(rows) rows of \(columns), not \(given.shape.map(String.init).joined(separator: " x "))"
                    )
                }
                return given.elements
            }
            let value = try point.realIfGiven(number) ?? value
            return (0..<rows * columns).map { $0 / columns == $0 % columns ? value : 0 }
        }
        let positions = try positions(point, teachers: a)
        do {
            return try DMFTPrior(
                students: k, teachers: a,
                teacherGram: matrix("teacher_gram", "teacher_norm", rows: a, columns: a, default: 1),
                startGram: matrix("init_gram", "init_scale", rows: k, columns: k, default: 1),
                startOverlap: matrix("M0", "init_overlap", rows: k, columns: a, default: 0), positions: positions)
        } catch let error as DMFTError { throw ModelError.parameter("init_scale", "does not fit: \(error)") }
    }

    private static func positions(_ point: ParameterPoint, teachers a: Int) throws -> [Int]? {
        let loss: DGDLoss = try point.choice("loss")
        let targets: Int
        var positions: [Int]?
        if let given = try point.arrayIfGiven("positions") {
            let L = try point.integer("L")
            guard given.elements.count == L,
                given.elements.allSatisfy({ $0 == $0.rounded() && $0 >= 0 && $0 < Double(a) })
            else {
                throw ModelError.parameter("positions", "must be \(L) teacher columns from 0 to \(a - 1), one a token")
            }
            let columns = given.elements.map { Int($0) }
            guard columns.min() == a - Set(columns).count else {
                throw ModelError.parameter(
                    "positions", "must be the last columns of the teacher, after those that the target depends on")
            }
            positions = columns
            targets = a - Set(columns).count
        } else {
            targets = a
        }
        guard targets >= 1 else { throw ModelError.parameter("positions", "leave no teacher column for the target") }
        guard loss == .tiedAttention || targets == 1 else {
            throw ModelError.parameter("teachers", "\(loss.rawValue) has one teacher column (and those of positions)")
        }
        return positions
    }

    /// The law of the batches of a grid point. Fresh samples are in one batch only, whatever the mask.
    static func batches(_ point: ParameterPoint, method: String) throws -> BatchLaw {
        let b = try point.real("batch_fraction")
        let mask: DGDMask = try point.choice("mask")
        let scaled = try point.flag("scaled")
        guard b < 1, method != "gd" else { return .full }
        guard method != "one-pass" else { return BatchLaw(mask: .bernoulli, fraction: b, scaled: scaled) }
        switch mask {
        case .bernoulli: return BatchLaw(mask: .bernoulli, fraction: b, scaled: scaled)
        case .persistent:
            return BatchLaw(mask: .persistent(pOff: try point.real("p_off")), fraction: b, scaled: scaled)
        case .epoch: return BatchLaw(mask: .epoch(batches: Int((1 / b).rounded())), fraction: b, scaled: scaled)
        }
    }

    private static func real(_ point: ParameterPoint, _ name: String) -> Double? {
        (try? point.realIfGiven(name)) ?? nil
    }

    private static func integer(_ point: ParameterPoint, _ name: String) -> Int? { try? point.integer(name) }

    private static func loss(_ point: ParameterPoint) -> DGDLoss? { try? point.choice("loss") }
}
