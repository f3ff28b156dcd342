import DMFTGradientDynamics
import Foundation
import Modeling
import ModelTesting
import Testing

@Suite("GD and SGD: the page's numbers, within errors") struct SimulationLandmarkTests {
    /// 32 data sets with 2 runs each at d = 400. Deviations of the order 1/d are within the tolerance, 4 standard errors
    /// and 1.5/d.
    @Test(arguments: landmarks) func landmark(_ landmark: Landmark) throws {
        let values = landmark.values.with(["d": .integer(400), "runs": .integer(2)])
        let names = Set(landmark.expected.map { $0.0 })
        let records = try (1...32).map {
            try harness.run(landmark.method, values, times: [landmark.step], unit: .steps, seed: $0, observables: names)
        }
        for (name, index, expected, error) in landmark.expected {
            let numbers = records.map { $0(name)[index] }
            let mean = numbers.reduce(0, +) / 32
            let deviations = numbers.map { $0 - mean }
            let own = (dot(deviations, deviations) / 31 / 32).squareRoot()
            let combined = (own * own + error * error).squareRoot()
            #expect(
                abs(mean - expected) < 4 * combined + 1.5 / 400 * abs(expected), "\(name)[\(index)]: \(mean) +- \(own)")
            // The test would notice a tenth (of numbers near 0: 0.04).
            #expect(4 * combined < 0.1 * max(abs(expected), 0.4), "\(name)[\(index)]")
        }
    }
}
