public let sequenceMultiIndexExamples = ModelExamples(
    model: "sequence-multi-index",
    small: [
        "d": ["12", "20", "31"],
        "L": ["2", "3"],
        "layers": ["1", "2", "3"],
        "skip": ["0.3", "1"],
        "alpha": ["0.4", "1.5"],
        "reg": ["0", "0.001", "0.1"],
        "init": ["cold", "warm", "informed"],
        "Q0": ["{value: [0.2, 0.5]}", "{value: [[0.3, 0], [0, 0.4]]}", "{value: [0.4]}"],
        "M0": ["{value: [0.1, 0.2]}", "{value: [[0.1, 0.05], [-0.1, 0.2]]}"],
        "init_scale": ["0.2", "0.9"],
        "damping": ["0", "0.2"],
        "jacobian": ["true", "false"],
        "tolerance": ["0.05", "0.2"],
        "max_iterations": ["100", "500"],
        "mc_samples": ["64", "128"],
        "draws": ["64", "128"],
        "test_size": ["64", "100"],
        "q_last": ["0.3", "0.8"],
        "data": ["fresh", "reuse"],
        "batch_size": ["1", "3", "9"],
        "repeats": ["1", "2"],
        "step_size": ["0.03", "0.2"],
        "learning_rate": ["0.5", "2"],
        "weight_decay": ["0", "0.1"],
        "l2": ["0.01", "0.2"],
        "dt": ["0.05", "0.2"],
    ],
    always: ["d", "alpha", "tolerance", "mc_samples", "draws", "test_size", "q_last"],
    scaled: "[0, 0.5, 1]",
    large: [
        "amp": .init(
            [
                "d": ["100", "200", "400"], "L": ["2", "3"], "layers": ["1", "2", "3"], "alpha": ["0.3", "0.6"],
                "draws": ["64", "256"], "test_size": ["256", "4096"],
            ], times: ["[5]", "[5, 15]"]),
        "state-evolution": .init(
            [
                "L": ["2", "3", "8"], "layers": ["1", "2", "3"], "alpha": ["0.3", "0.6"], "draws": ["64", "256"],
                "mc_samples": ["256", "512"], "test_size": ["256", "4096"],
            ], times: ["[4]", "[2, 6]"]),
        "fixed-point": .init(
            [
                "L": ["2", "3"], "layers": ["2", "3"], "alpha": ["0.4"], "init": ["informed"],
                "draws": ["128", "256"], "mc_samples": ["128", "256"], "tolerance": ["0.003", "0.02"],
                "test_size": ["256", "4096"],
            ]),
        "weak-recovery": .init(
            [
                "L": ["2", "3"], "layers": ["2", "3"], "skip": ["0.5", "1"], "mc_samples": ["256", "512"],
                "draws": ["256", "512"],
            ]),
        "branch": .init(
            [
                "L": ["2", "3", "4"], "layers": ["1", "2", "3"], "q_last": ["0.5", "0.9"], "draws": ["256", "1024"],
                "mc_samples": ["512", "2048"], "test_size": ["256", "4096"],
            ]),
        "sgd": .init(
            [
                "d": ["100", "400", "1000"], "L": ["2", "4"], "layers": ["1", "2", "3"], "alpha": ["2", "5"],
                "data": ["fresh", "reuse"], "batch_size": ["1", "10", "100"], "test_size": ["256", "4096"],
            ], times: ["[200]", "[200, 1000]"]),
        "overlap-ode": .init(
            [
                "L": ["2", "4"], "layers": ["1", "2", "3"], "mc_samples": ["2048", "8192"], "dt": ["0.05", "0.1"],
                "test_size": ["256", "4096"],
            ], times: ["[1]", "[1, 3]"], unit: "t"),
    ])
