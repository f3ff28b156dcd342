/// One-pass SGD of networks and attention on one hidden direction.
public let sequenceSingleIndexExamples = ModelExamples(
    model: "sequence-single-index",
    small: [
        "d": ["8", "21"], "L": ["2", "3", "4"], "student": ["tied", "untied", "attention"],
        "norm_mode": ["global", "per_token"],
        "activation": ["relu", "identity", "tanh", "sigmoid", "square", "H2"],
        "target": [
            "sum", "inversesqrtsum", "sqrtz1", "2difference", "2product", "2squaredifference", "H2sum",
            "inversesqrtH2sum", "H3sum", "sqrtdouble_staircase", "positional_semantic", "hermite",
        ],
        "hermite_terms": ["{value: [[1, 1, 0], [0.5, 0, 2]]}", "{value: [[1, 1, 0, 0], [0.5, 0, 1, 1]]}"],
        "loss": ["square", "half_square", "frobenius"], "step_size": ["0.05", "0.2"],
        "step_scaling": ["one", "sqrt", "linear"], "init": ["random", "overlapped", "prescribed"],
        "init_scale": ["0", "0.1", "0.4"], "random_sign": ["true", "false"], "m0": ["0", "0.3", "-0.2"],
        "m0_vec": ["{value: [0.1, -0.2]}", "{value: [0.1, 0.3, -0.2]}"], "e0": ["0", "0.2"],
        "e0_vec": ["{value: [0.2]}", "{value: [0.1, -0.2]}"], "omega": ["0", "0.4", "1"], "a": ["0.8", "1"],
        "eta": ["0.2", "0.4"], "reduction": ["none", "trace", "projection", "explicit"],
        "U": ["{value: [[1, 0.2], [0, -1]]}"], "projection_left": ["{value: [0.6, 0.8]}"],
        "projection_right": ["{value: [0, 1]}"], "encoding": ["none", "paired", "orthonormal", "explicit"],
        "encoding_matrix": ["{value: [[1], [-1]]}", "{value: [[1, 0], [0.6, 0.8]]}"], "test_size": ["10", "30"],
        "quadrature_points": ["64", "128"],
    ],
    always: ["d", "L", "step_size", "quadrature_points"], scaled: "[0, 0.5, 2]",
    large: [
        "sgd": .init(
            [
                "d": ["1000", "4000"], "L": ["2", "4", "8"], "student": ["tied", "untied", "attention"],
                "step_size": ["0.1"], "m0": ["0.2"],
            ], times: ["[0, 5000]", "[0, 10000]"]),
        "overlap-chain": .init(
            [
                "d": ["300", "3000"], "L": ["2", "4", "8"], "student": ["tied", "untied", "attention"],
                "norm_mode": ["global", "per_token"], "activation": ["relu", "tanh"], "step_size": ["0.1"],
                "m0": ["0.2"],
            ], times: ["[0, 100000]", "[0, 200000]"]),
        "ode": .init(
            [
                "student": ["attention"], "target": ["H2sum", "positional_semantic"],
                "loss": ["half_square", "frobenius"], "L": ["2", "3", "4"], "step_size": ["0.1", "0.5"],
                "m0": ["0.2"], "eta": ["0.5"], "quadrature_points": ["1024", "4096"],
            ], times: ["[0, 20]", "[0, 80]"], unit: "t"),
        "closed-form": .init(
            [
                "student": ["attention"], "target": ["H2sum"], "L": ["4", "6", "10"],
                "encoding": ["none", "orthonormal"], "step_size": ["0.1"], "quadrature_points": ["4096", "16384"],
            ]),
        "closed-form-trajectory": .init(
            [
                "student": ["tied", "untied"], "target": ["inversesqrtsum", "H2sum"], "L": ["2000", "4000", "8000"],
                "step_size": ["0.001"], "m0": ["0.2"], "eta": ["0.5"],
            ], times: ["[0, 10]"], unit: "t"),
    ])
