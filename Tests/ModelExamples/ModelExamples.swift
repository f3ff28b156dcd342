/// Values from which random jobs of one model are made, as YAML texts. A job takes some of the parameters, each at one or
/// several of its values; combinations that the model refuses are drawn again.
public struct ModelExamples: Sendable {
    /// The model's name.
    public let model: String
    /// For each parameter, values with which a task of any method takes at most some milliseconds. Every key of the model is here,
    /// arrays as `{value: [...]}`; of required parameters and sizes all values are small.
    public let small: [String: [String]]
    /// Parameters that every small job gives.
    public let always: [String]
    /// Recording times of small jobs, in steps or iterations, and in t for models that have it.
    public let steps: String
    public let scaled: String?
    /// Jobs whose tasks take some 5 to 200 ms, by method: for measuring that costs are right. Each parameter has several values.
    public let large: [String: Large]

    /// One method's share in the measurement of costs.
    public struct Large: Sendable {
        public let parameters: [String: [String]]
        /// Several lists of recording times (one that is ignored, for methods without time).
        public let times: [String]
        /// `steps` or `t`.
        public let unit: String

        public init(_ parameters: [String: [String]], times: [String] = ["[1]"], unit: String = "steps") {
            self.parameters = parameters
            self.times = times
            self.unit = unit
        }
    }

    public init(
        model: String, small: [String: [String]], always: [String], steps: String = "[0, 1, 5]", scaled: String?,
        large: [String: Large]
    ) {
        self.model = model
        self.small = small
        self.always = always
        self.steps = steps
        self.scaled = scaled
        self.large = large
    }
}
