/// Softmax attention trained on whole batches, its hard-margin problems and their theories.
public let selfAttentionImplicitBiasExamples = ModelExamples(
    model: "self-attention-implicit-bias",
    small: [
        "alpha": ["0.2", "0.4"], "n": ["2", "4"], "d": ["6", "12"], "L": ["2", "3"],
        "data": ["gaussian", "orthogonal", "sphere", "sin", "explicit"],
        // External twice: it is the one that closed-form knows.
        "query": ["external", "noise", "opt", "external", "prompt", "first"], "geometry": ["orthogonal", "antipodal"],
        "signal": ["1", "1.5"], "sigma": ["0.5", "1"], "project": ["true", "false"],
        "sin_w": ["{value: [0.5, 0.8, 0.3, 1.2]}", "{value: [0.61, 0.83, 0.29, 1.1]}"],
        "tokens": ["{value: [[[1, 0, 0, 0, 0, 0.5], [0, 1, 0, 0, 0, 0]], [[0, 0, 1, 0, 0, 0.2], [0, 0, 0, 1, 0, 0]]]}"],
        "queries": ["{value: [[1, 0, 0.5], [0, 1, 0.2]]}"], "labels": ["{value: [1, -1]}", "{value: [1, 1]}"],
        "opt": ["{value: [0, 0]}", "{value: [0, 1]}"], "scores": ["{value: [[1, 0.2], [0.8, 0]]}"],
        "u": ["{value: [1, 0.5, 0, -0.5, 0.3, 0.1]}"], "data_seed": ["1", "2"],
        "loss": ["logistic", "exponential", "linear"], "optimizer": ["gd", "ngd", "polyak"], "polyak_c": ["1", "2"],
        "joint": ["true", "false"], "step_size": ["0.1", "0.5"], "step_size_u": ["0.1", "0.3"],
        "step_decay": ["0", "0.5"], "step_decay_u": ["0", "0.5"],
        "init": ["zero", "random", "adversarial", "mm", "uniform", "explicit"], "init_scale": ["0", "1.5"],
        "W0": ["{value: [0.5, 0, -0.5, 1, 0, 0.2]}"],
    ],
    always: ["n", "d", "L", "query"], scaled: "[0, 0.5, 2]",
    large: [
        "gd": .init(
            [
                "d": ["100", "300", "600"], "n": ["10", "20", "40"], "L": ["3", "10"], "query": ["noise", "prompt"],
                "optimizer": ["gd", "ngd"], "joint": ["true", "false"],
            ], times: ["[0, 60]", "[0, 200]"]),
        "gap-recursion": .init(
            [
                "d": ["100", "400"], "n": ["10", "20", "50"], "L": ["3", "6", "10"],
                "optimizer": ["gd", "ngd", "polyak"],
            ], times: ["[0, 1000]", "[0, 3000]"]),
        "svm": .init([
            "d": ["100", "400"], "n": ["30", "60", "100"], "L": ["3", "5", "8"], "query": ["external", "noise"],
        ]),
        "symmetric": .init(
            [
                "n": ["10", "40"], "L": ["3", "10"], "optimizer": ["gd", "ngd", "polyak"], "joint": ["true", "false"],
            ],
            times: ["[0, 50000]", "[0, 200000]"]),
        "late-time": .init(
            [
                "d": ["200", "400"], "n": ["30", "60"], "L": ["3", "5", "7"], "query": ["external"],
                "optimizer": ["gd", "ngd"], "step_decay": ["0", "0.2"],
            ], times: ["[1, 10000]", "[1, 100000]"]),
        "closed-form": .init(["alpha": ["0.2", "0.5"], "L": ["3", "10"], "query": ["external"]]),
    ])
