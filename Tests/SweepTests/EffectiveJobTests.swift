import Foundation
import Sweep
import Testing

@Suite("What results say their job was")
struct EffectiveJobTests {
    private func effective(_ text: String, set overrides: [String] = []) throws -> [String: Any] {
        let data = Data(try job(text, set: overrides, path: "some/file.yaml").effectiveText.utf8)
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    @Test func `a symbol on the command line takes the place of what the file says`() throws {
        let text = BadJob.having("  d: 100\n  step_size: 0.4\n  noise_std: 0.5") + "per_method: {sgd: {lr: [1, 2]}}\n"
        let found = try effective(text, set: ["gamma=0.1", "omega=0.25"])
        let parameters = try #require(found["parameters"] as? [String: Double])
        #expect(parameters == ["d": 100, "step_size": 0.1, "noise_std": 0.5, "mixing": 0.25])
        let own = try #require(found["per_method"] as? [String: [String: [Double]]])
        #expect(own == ["sgd": ["step_size": [1, 2]]])
    }

    @Test func `values stay as given, by the rules of job files`() throws {
        let found = try job(
            """
            model: toy
            methods: sgd
            parameters:
              d: {range: [100, 300, 100]}
              lr: {logspace: [1e-5, 1_000, 3]}
              L: {expr: "2"}
              random_sign: on
              student: [tied, "untied"]
              M0: {value: [[0.5, -1], [0, 2e-7]]}
            zip: [[d, gamma]]
            where: gamma < 5
            seeds: 3
            record: {times: [1, 1e3], observables: test_loss}
            limits: {task_memory: 2GB}
            output: "a \\"b\\".h5"
            """, path: "some/file.yaml")
        #expect(
            found.effectiveText == """
                {"name": "file", "model": "toy", "methods": ["sgd"], \
                "parameters": {"d": {"range": [100, 300, 100]}, "step_size": {"logspace": [1.0e-05, 1000, 3]}, \
                "L": {"expr": "2"}, "random_sign": true, "student": ["tied", "untied"], \
                "M0": {"value": [[0.5, -1], [0, 2.0e-07]]}}, "zip": [["d", "step_size"]], "where": "gamma < 5", \
                "seeds": 3, "record": {"times": [1, 1000], "observables": "test_loss"}, \
                "limits": {"task_memory": "2GB"}, "output": "a \\"b\\".h5"}
                """)
        #expect(found.writing(to: "c.h5").effectiveText.hasSuffix("\"output\": \"c.h5\"}"))
    }

    @Test func `the figure is as the program reads it`() throws {
        let text =
            BadJob.adding("  L: [1, 2]", methods: "[sgd, ode]") + """
                figure: {x: gamma, y: overlap, hue: L, at: {omega: 0.5, student: tied, random_sign: no}, xlines: 3,
                         ylines: [0, 1e-3], methods: sgd, trajectories: false, compare: {sgd: ode}}
                """
        let found = try job(text).effectiveText
        #expect(
            found.hasSuffix(
                """
                "figure": {"x": "step_size", "y": "overlap", "hue": "L", \
                "at": {"mixing": 0.5, "student": "tied", "random_sign": false}, "xlines": [3.0], \
                "ylines": [0.0, 0.001], "methods": ["sgd"], "trajectories": false, "compare": {"sgd": ["ode"]}}}
                """), "\(found)")
    }
}
