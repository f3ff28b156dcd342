import Modeling

/// Which parameters a method's results depend on.
enum BSRRelevance {
    private static let shape: Set<String> = ["d", "L", "beta", "rho", "rank"]
    private static let samples: Set<String> = ["alpha", "alpha_bar", "n"]
    private static let descent: Set<String> = ["student_rank", "runs", "step_size", "init_scale"]

    static func used(by method: String, in context: JobContext) -> Set<String> {
        let all = shape.union(samples).union(["noise"])
        switch method {
        case "bayes": return all.union(["q"])
        case "state-evolution", "limits": return all
        case "sampling": return all.union(["runs"])
        case "thresholds": return shape.union(["noise"])
        case "ridge-theory":
            // The shape enters through alpha_bar, and through the rounding of n.
            let needsShape = !context.given.isDisjoint(with: ["d", "alpha_bar", "n"])
            return (needsShape ? all : samples.union(["noise"])).union(["ridge"])
        case "ridge": return all.union(["ridge"])
        case "amp": return all.union(["damping", "precision", "tolerance"])
        case "gd": return all.union(descent).union(["optimizer", "weight_decay", "stop_error"])
        case "langevin": return all.union(descent).union(["burn_in"])
        default: return all
        }
    }
}
