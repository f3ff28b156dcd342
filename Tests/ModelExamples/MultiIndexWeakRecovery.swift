public let multiIndexWeakRecoveryExamples = ModelExamples(
    model: "multi-index-weak-recovery",
    small: [
        "alpha": ["0.5", "1", "1.5"],
        // Links with dynamics often, since few methods take the others.
        "link": [
            "sign_product2", "phase_parity", "sign_product2", "committee3", "sign_product2", "phase_parity",
            "sign_product2", "product", "sign_product2", "ratio", "sign_product2", "sum_of_squares", "square",
            "absolute", "sign_product3",
        ],
        "d": ["9", "17", "30"],
        "p": ["2", "3"],
        "flip": ["0", "0.1"],
        "init": ["cold", "warm", "informed", "planted"],
        "m0": ["0", "0.3"],
        "M0": ["{value: [0.3, 0.2]}", "{value: [[0.4, 0.1], [0.1, 0.2]]}", "{value: [0.3, 0.2, 0.1]}"],
        "init_scale": ["0.1", "1"],
        "cold_overlap": ["0.001", "0.1"],
        "damping": ["0", "0.3"],
        "precision": ["gg", "jacobian"],
        "reg": ["0", "1e-6"],
        "max_iterations": ["1000", "2000"],
        "tolerance": ["0.1", "0.01"],
        "test_size": ["1", "100"],
        "learned_overlap": ["0", "0.5"],
    ],
    always: ["alpha", "link", "d", "test_size", "tolerance"], steps: "[0, 1, 3]",
    scaled: nil,
    large: [
        "amp": .init(
            [
                "link": ["sign_product2", "phase_parity", "committee3"], "alpha": ["2", "3", "4"],
                "d": ["300", "600", "1000"], "m0": ["0.3", "0.5"], "max_iterations": ["10", "20"], "tolerance": ["0"],
                "test_size": ["1000", "100000"],
            ], times: ["[8]", "[0, 4, 16]"]),
        "state-evolution": .init(
            [
                "link": ["phase_parity", "committee3"], "alpha": ["2", "3"], "m0": ["0.3", "0.6"],
                "max_iterations": ["8", "20"], "tolerance": ["0"],
            ], times: ["[5]", "[12]"]),
        "fixed-point": .init([
            "link": ["phase_parity", "committee3"], "alpha": ["1.8", "3", "4"], "m0": ["0.3", "0.5"],
            "tolerance": ["1e-4", "1e-6"],
        ]),
        "weak-recovery": .init([
            "link": ["phase_parity", "product", "sum_of_squares"], "alpha": ["1.2", "2"], "p": ["12", "16"],
        ]),
    ])
