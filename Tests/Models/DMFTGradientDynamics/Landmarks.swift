import ModelTesting
import Modeling
import Testing

/// Landmarks of the page at one time: each with the standard error that its source states.
struct Landmark: Sendable, CustomTestStringConvertible {
    let name: String
    let method: String
    let values: Given
    let step: Double
    /// Observable, index in it, value at d to infinity (or of the page's simulation), its error.
    let expected: [(String, Int, Double, Double)]

    var testDescription: String { name }
}

let landmarks = [
    Landmark(
        name: "linear", method: "gd",
        values: [
            "alpha": .real(2), "loss": .text("linear"), "noise_std": .real(0.3), "init_overlap": .real(0.2),
            "step_size": .real(0.15), "ridge": .real(0.1),
        ], step: 5,
        expected: [
            ("overlap", 0, 0.7323, 0), ("q", 0, 0.7391, 0), ("train_loss", 0, 0.0672, 0), ("test_loss", 0, 0.1822, 0),
        ]),
    Landmark(
        name: "linear, alpha < 1, bernoulli", method: "sgd",
        values: [
            "alpha": .real(0.6), "loss": .text("linear"), "noise_std": .real(0.3), "init_overlap": .real(0.2),
            "step_size": .real(0.15), "ridge": .real(0.1), "batch_fraction": .real(0.3),
        ], step: 15,
        expected: [
            ("overlap", 0, 0.5047, 0), ("q", 0, 0.7031, 0), ("train_loss", 0, 0.0439, 0), ("test_loss", 0, 0.3919, 0),
        ]),
    Landmark(
        name: "logistic, persistent batches", method: "sgd",
        values: [
            "alpha": .real(2), "loss": .text("logistic"), "init_scale": .real(0.5), "init_overlap": .real(0.1),
            "step_size": .real(0.5), "ridge": .real(0.05), "batch_fraction": .real(0.4), "mask": .text("persistent"),
            "p_off": .real(0.3),
        ], step: 12,
        expected: [
            ("overlap", 0, 1.621, 0.001), ("q", 0, 4.14, 0.01), ("train_loss", 0, 0.2190, 0.001),
            ("test_loss", 0, 0.4316, 0.001),
        ]),
    Landmark(
        name: "logistic, first epoch", method: "sgd",
        values: [
            "alpha": .real(2), "loss": .text("logistic"), "init_scale": .real(0.5), "init_overlap": .real(0.1),
            "step_size": .real(0.5), "ridge": .real(0.05), "batch_fraction": .real(0.25), "mask": .text("epoch"),
        ], step: 4, expected: [("overlap", 0, 1.18713, 0), ("q", 0, 2.31518, 0)]),
    Landmark(
        name: "logistic, second epoch", method: "sgd",
        values: [
            "alpha": .real(2), "loss": .text("logistic"), "init_scale": .real(0.5), "init_overlap": .real(0.1),
            "step_size": .real(0.5), "ridge": .real(0.05), "batch_fraction": .real(0.25), "mask": .text("epoch"),
        ], step: 5, expected: [("overlap", 0, 1.288, 0.001), ("q", 0, 2.704, 0.002)]),
    Landmark(
        name: "phase on the sphere", method: "gd",
        values: [
            "alpha": .real(3), "loss": .text("phase"), "init_overlap": .real(0.3), "step_size": .real(0.02),
            "spherical": .flag(true),
        ], step: 12,
        expected: [("overlap", 0, 0.538, 0.007), ("train_loss", 0, 0.271, 0.005), ("test_loss", 0, 0.704, 0.007)]),
    Landmark(
        name: "attention with positions", method: "gd",
        values: [
            "alpha": .real(2), "L": .integer(2), "teachers": .integer(3), "loss": .text("tied-attention"),
            "init_scale": .real(0.5),
            "teacher_gram": matrix([[1, 0.3, -0.2], [0.3, 0.5, 0.1], [-0.2, 0.1, 0.4]]),
            "positions": vector([1, 2]), "M0": matrix([[0.3, 0.2, -0.1]]), "step_size": .real(0.5),
            "ridge": .real(0.02),
        ], step: 12,
        expected: [
            ("overlap", 0, 0.850, 0.001), ("overlap", 1, 0.271, 0.001), ("overlap", 2, -0.178, 0.001),
            ("q", 0, 0.756, 0.001), ("train_loss", 0, 0.0031, 0.0001), ("test_loss", 0, 0.0097, 0.0002),
        ]),
    Landmark(
        name: "attention L=3 k=a=2", method: "sgd",
        values: [
            "alpha": .real(1.5), "L": .integer(3), "teachers": .integer(2), "width": .integer(2),
            "loss": .text("tied-attention"), "init_gram": matrix([[0.5, 0.1], [0.1, 0.6]]),
            "M0": matrix([[0.3, 0.1], [0, 0.2]]), "step_size": .real(0.4), "ridge": .real(0.02),
            "batch_fraction": .real(0.6),
        ], step: 10,
        expected: [
            ("overlap", 0, 0.682, 0.003), ("overlap", 1, 0.180, 0.003), ("overlap", 2, -0.077, 0.003),
            ("overlap", 3, 0.482, 0.003), ("q", 0, 0.708, 0.003), ("q", 1, 0.037, 0.003), ("q", 3, 0.566, 0.003),
            ("train_loss", 0, 0.0618, 0.0003), ("test_loss", 0, 0.1212, 0.0003),
        ]),
    Landmark(
        name: "token average", method: "gd",
        values: [
            "alpha": .real(2), "L": .integer(3), "width": .integer(2), "loss": .text("token-average"),
            "init_gram": matrix([[0.6, 0.1], [0.1, 0.8]]), "M0": matrix([[0.2], [0.4]]), "step_size": .real(2),
            "ridge": .real(0.02),
        ], step: 12,
        expected: [
            ("overlap", 0, 0.6356, 0.001), ("overlap", 1, 0.7079, 0.001), ("q", 0, 0.498, 0.002),
            ("q", 1, 0.409, 0.002), ("q", 3, 0.595, 0.002), ("train_loss", 0, 0.0020, 0.0001),
            ("test_loss", 0, 0.0066, 0.0001),
        ]),
]
