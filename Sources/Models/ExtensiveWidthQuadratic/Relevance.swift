/// Which parameters a method's results depend on.
enum EWQRelevance {
    private static let shape: Set<String> = ["d", "kappa", "width", "noise", "noise_std"]
    private static let samples: Set<String> = ["alpha", "alpha_bar", "n"]
    private static let descent: Set<String> = ["student_width", "runs", "step_size", "init_scale"]

    static func used(by method: String) -> Set<String> {
        let all = shape.union(samples)
        switch method {
        case "thresholds": return shape
        case "sampling": return all.union(["runs"])
        case "amp": return all.union(["damping", "precision", "outliers", "tolerance"])
        case "gd": return all.union(descent).union(["optimizer", "weight_decay", "stop_error"])
        case "langevin": return all.union(descent).union(["burn_in"])
        default: return all
        }
    }
}
