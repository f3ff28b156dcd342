/// A quadratic network of extensive width.
public let extensiveWidthQuadraticExamples = ModelExamples(
    model: "extensive-width-quadratic",
    small: [
        "d": ["1", "5", "8"], "kappa": ["0.3", "0.8", "1.5"], "width": ["1", "2", "5"], "alpha": ["0.2", "0.6", "1.4"],
        "alpha_bar": ["0.4", "1.1"], "n": ["3", "8", "12"], "noise": ["0.1", "0.5", "0"], "noise_std": ["0.2", "0.6"],
        "student_width": ["1", "3", "6"], "runs": ["1", "2", "5"], "optimizer": ["gd", "adam", "adamw"],
        "step_size": ["0.001", "0.01"], "init_scale": ["0.01", "0.5", "1"], "weight_decay": ["0", "0.1"],
        "stop_error": ["0", "1e-3", "1"], "burn_in": ["0", "2"], "damping": ["0", "0.3"],
        "precision": ["residual", "empirical", "variance"], "outliers": ["edge", "branch"],
        "tolerance": ["0", "1e-4"],
    ],
    always: ["d", "kappa", "alpha", "noise"], scaled: "[0, 0.002, 0.02]",
    large: [
        "bayes": .init(["alpha": ["0.1", "0.4"], "kappa": ["0.21", "0.52", "1.3"], "noise": ["0.1", "0.3"]]),
        "state-evolution": .init(
            ["alpha": ["0.1", "0.4"], "kappa": ["0.2", "0.5", "1.3"], "noise": ["0.1", "0.3"]],
            times: ["[40]", "[80]", "[160]"]),
        "sampling": .init(["alpha": ["0.1", "0.4"], "kappa": ["0.23", "0.54", "1.7"], "noise": ["0.1", "0.3"]]),
        "thresholds": .init(["kappa": ["0.2", "0.5", "1.3"], "noise": ["0.1", "0.3"]]),
        "limits": .init(["alpha": ["0.1", "0.4"], "kappa": ["0.2", "0.5", "1.3"], "noise": ["0.1", "0.3"]]),
        "amp": .init(
            [
                "d": ["30", "50", "80"], "kappa": ["0.2", "0.5", "1.3"], "alpha": ["0.2", "0.6"],
                "noise": ["0.1", "0.3"], "tolerance": ["0"],
            ], times: ["[10]", "[20]", "[40]"]),
        "gd": .init(
            [
                "d": ["20", "30", "40"], "kappa": ["0.3", "0.8"], "alpha": ["0.2", "0.5"], "noise": ["0", "0.3"],
                "runs": ["1", "4", "12"], "optimizer": ["gd", "adam", "adamw"], "step_size": ["0.001"],
                "student_width": ["10", "30"], "stop_error": ["0"],
            ], times: ["[50]", "[100]", "[200]"]),
        "langevin": .init(
            [
                "d": ["20", "30", "40"], "kappa": ["0.3", "0.8"], "alpha": ["0.2", "0.5"], "noise": ["0.5", "1"],
                "runs": ["1", "4", "12"], "step_size": ["0.001"], "student_width": ["10", "30"],
            ], times: ["[50]", "[100]", "[200]"]),
    ])
