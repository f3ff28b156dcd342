/// A matrix of extensive rank from sequences of tokens.
public let bilinearSequenceRegressionExamples = ModelExamples(
    model: "bilinear-sequence-regression",
    small: [
        "d": ["1", "4", "7"], "L": ["1", "5", "9"], "beta": ["1", "1.5", "2.3"], "rho": ["0.2", "0.5", "1.7"],
        "rank": ["1", "2", "5"], "alpha": ["0.2", "0.6", "1.4"], "alpha_bar": ["0.4", "1.1"], "n": ["3", "8", "12"],
        "noise": ["0.1", "0.5", "0"], "noise_std": ["0.2", "0.6"], "ridge": ["0.1", "0.7"], "q": ["0", "0.3", "0.8"],
        "student_rank": ["1", "3", "6"], "runs": ["1", "2", "5"], "optimizer": ["gd", "adam", "adamw"],
        "step_size": ["0.001", "0.004"], "init_scale": ["0.01", "0.5", "1"], "weight_decay": ["0", "0.1"],
        "stop_error": ["0", "1e-3", "1"], "burn_in": ["0", "2"], "damping": ["0", "0.3"],
        "precision": ["residual", "empirical", "variance"], "tolerance": ["0", "1e-4"],
    ],
    always: ["d", "rho", "alpha", "noise"], scaled: "[0, 0.004, 0.02]",
    large: [
        "bayes": .init([
            "alpha": ["0.1", "0.4"], "rho": ["0.21", "0.52"], "beta": ["1", "2.5"], "noise": ["0.1", "0.3"],
        ]),
        "state-evolution": .init(
            ["alpha": ["0.1", "0.4"], "rho": ["0.2", "0.5"], "beta": ["1", "2"], "noise": ["0.1", "0.3"]],
            times: ["[40]", "[80]", "[160]"]),
        "sampling": .init(
            ["alpha": ["0.1", "0.4"], "rho": ["0.23", "0.54"], "beta": ["1", "2.7"], "noise": ["0.1", "0.3"]]),
        "ridge-theory": .init(["alpha": ["0.1", "0.4"], "noise": ["0.1", "0.3"]]),
        "thresholds": .init(["rho": ["0.2", "0.5"], "beta": ["1", "2"], "noise": ["0.1", "0.3"]]),
        "limits": .init([
            "alpha": ["0.1", "0.4"], "rho": ["0.2", "0.5"], "beta": ["1", "2"], "noise": ["0.1", "0.3"],
        ]),
        "amp": .init(
            [
                "d": ["25", "40", "60"], "L": ["30", "50"], "rho": ["0.2", "0.5"], "alpha": ["0.2", "0.6"],
                "noise": ["0.1", "0.3"], "tolerance": ["0"],
            ], times: ["[10]", "[20]", "[40]"]),
        "ridge": .init(
            [
                "d": ["20", "30", "40"], "L": ["30", "40"], "rho": ["0.2", "1"], "alpha": ["0.2", "0.6", "1.2"],
                "noise": ["0.1", "0.3"],
            ]),
        "gd": .init(
            [
                "d": ["20", "30", "40"], "L": ["30", "40"], "rho": ["0.2", "0.6"], "alpha": ["0.2", "0.4", "0.8"],
                "runs": ["1", "4", "12"], "optimizer": ["gd", "adam", "adamw"], "step_size": ["0.01"],
                "student_rank": ["5", "20"], "stop_error": ["0"],
            ], times: ["[50]", "[100]", "[200]"]),
        "langevin": .init(
            [
                "d": ["20", "30", "40"], "L": ["30", "40"], "rho": ["0.2", "0.6"], "alpha": ["0.2", "0.4", "0.8"],
                "runs": ["1", "4", "12"], "noise": ["0.5", "1"], "step_size": ["0.005"], "student_rank": ["5", "20"],
            ], times: ["[50]", "[100]", "[200]"]),
    ])
