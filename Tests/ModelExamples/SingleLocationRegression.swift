/// Population descent, its flow and one-pass SGD of attention that looks for one informative token.
public let singleLocationRegressionExamples = ModelExamples(
    model: "single-location-regression",
    small: [
        "d": ["6", "20", "43"], "L": ["1", "2", "5"], "gamma": ["0.6", "1", "1.4"], "noise": ["0", "0.3"],
        "noise_std": ["0.2", "0.5"], "attention": ["erf", "softmax"], "lambda0": ["0.1", "0.5", "1.2"],
        "lambda_increment": ["0", "0.001", "0.1"], "step_size": ["0.002", "0.0005"], "batch_size": ["1", "3"],
        "init": ["sphere", "manifold", "overlaps"], "init_scale": ["0", "0.5", "1"], "kappa0": ["0", "0.2", "-0.1"],
        "nu0": ["0.1", "-0.3"], "theta0": ["0", "0.15"], "eta0": ["0.1", "-0.2"], "rho0": ["0", "0.3"],
        "bayes_samples": ["50", "200"],
    ],
    always: ["d", "L", "lambda0", "step_size"], scaled: "[0, 0.001, 0.01]",
    large: [
        "pgd": .init(
            [
                "d": ["200", "1000", "4000"], "L": ["2", "10", "40"], "lambda0": ["0.1", "0.5"],
                "step_size": ["0.0001"], "init": ["sphere", "manifold"],
            ], times: ["[0, 10000]", "[0, 20000]", "[0, 10000, 30000]"]),
        "reduced-pgd": .init(
            [
                "d": ["50", "400"], "L": ["2", "10"], "gamma": ["0.5", "1", "2"], "attention": ["softmax"],
                "lambda0": ["0.1", "0.5", "2"], "lambda_increment": ["0", "0.1"], "step_size": ["0.001"],
            ], times: ["[0, 20]", "[0, 60]"]),
        "gradient-flow": .init(
            [
                "d": ["400", "2000"], "L": ["2", "10"], "lambda0": ["0.3", "1"], "gamma": ["0.7", "1.4"],
                "lambda_increment": ["0"],
            ], times: ["[0, 15]", "[0, 40]"], unit: "t"),
        "sgd": .init(
            [
                "d": ["50", "400", "2000"], "L": ["2", "10"], "attention": ["erf", "softmax"],
                "lambda0": ["0.1", "0.5"],
                "step_size": ["0.0001"], "batch_size": ["1", "5"],
            ], times: ["[0, 1000]", "[0, 3000]"]),
        "overlap-chain": .init(
            [
                "d": ["100", "10000"], "L": ["2", "10", "40"], "attention": ["erf", "softmax"], "lambda0": ["0.5"],
                "step_size": ["0.0001"], "batch_size": ["1", "5"],
            ], times: ["[0, 15000]", "[0, 40000]"]),
        "closed-form": .init([
            "d": ["20", "400"], "L": ["2", "10", "40"], "gamma": ["0.7", "1", "1.5"], "attention": ["erf", "softmax"],
            "lambda0": ["0.1", "1"], "bayes_samples": ["10000", "40000"],
        ]),
    ])
