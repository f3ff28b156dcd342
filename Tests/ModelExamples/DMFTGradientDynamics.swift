/// Descent on reused data and its mean-field theory.
public let dmftGradientDynamicsExamples = ModelExamples(
    model: "dmft-gradient-dynamics",
    small: [
        "alpha": ["0.7", "1.5"], "d": ["12", "21"],
        // One token and one student column are what every loss allows, and linear is what closed-form knows.
        "L": ["1", "1", "1", "1", "2"], "width": ["1", "1", "1", "1", "2"], "teachers": ["1", "1", "2"],
        "loss": [
            "linear", "linear", "logistic", "linear", "linear", "phase", "linear", "linear", "token-average",
            "linear", "linear", "tied-attention",
        ],
        "step_size": ["0.05", "0.1"], "ridge": ["0", "0.1"], "init_scale": ["0.5", "1.5"],
        "init_gram": ["{value: [[0.8]]}", "{value: [[1.2]]}"], "init_overlap": ["-0.2", "0.3"],
        "M0": ["{value: [[0.1]]}", "{value: [[-0.3]]}"], "teacher_norm": ["0.7", "1.3"],
        "teacher_gram": ["{value: [[0.9]]}", "{value: [[1.1]]}"], "positions": ["{value: [1]}"],
        "batch_fraction": ["1", "0.5", "0.25"], "mask": ["bernoulli", "bernoulli", "persistent", "epoch"],
        "p_off": ["0.2", "0.4"], "scaled": ["true", "false"], "spherical": ["false", "false", "false", "true"],
        "noise": ["0", "0.1"], "noise_std": ["0", "0.3"], "beta": ["0.7", "1.3"], "runs": ["1", "3"],
        "mc_samples": ["1000", "1500"], "probes": ["1", "2"], "tangents": ["probes", "exact"],
    ],
    always: ["alpha", "d", "loss", "step_size", "mc_samples"], scaled: "[0, 0.1, 0.5]",
    large: [
        "gd": .init(
            [
                "alpha": ["1", "2"], "d": ["300", "600", "1200"], "loss": ["linear", "logistic", "phase"],
                "runs": ["1", "4", "12"], "step_size": ["0.02"],
            ], times: ["[0, 30]", "[0, 10, 20, 100]"]),
        "sgd": .init(
            [
                "alpha": ["1", "2"], "d": ["200", "400"], "L": ["2", "4"], "width": ["1", "2"],
                "loss": ["token-average", "tied-attention"], "runs": ["1", "4"], "step_size": ["0.05"],
                "batch_fraction": ["0.1", "0.5", "1"], "mask": ["bernoulli", "epoch"],
            ], times: ["[0, 30]", "[0, 10, 20, 100]"]),
        "dmft": .init(
            [
                "alpha": ["2"], "L": ["1", "2", "3"], "width": ["1", "2"], "step_size": ["0.05"],
                "loss": ["linear", "logistic", "token-average", "tied-attention"], "probes": ["1", "4"],
                "batch_fraction": ["0.5", "1"], "mc_samples": ["4096", "16384"],
            ], times: ["[0, 10]", "[0, 40]"]),
        "one-pass": .init(
            [
                "alpha": ["2"], "L": ["1", "2", "3"], "width": ["1", "2"], "step_size": ["0.05"],
                "loss": ["linear", "logistic", "token-average", "tied-attention"], "batch_fraction": ["0.5", "1"],
            ], times: ["[0, 3]", "[0, 2, 10]"]),
        "closed-form": .init(
            [
                "alpha": ["0.5", "2"], "loss": ["linear"], "step_size": ["0.01", "0.1"],
                "batch_fraction": ["0.5", "1"],
            ], times: ["[0, 300]", "[0, 100, 1000]"]),
    ])
