import Modeling

/// An expression with its place in the job.
struct ExpressionSource: Sendable {
    let text: String
    let expression: Expression
    let path: String
    /// The place of the expression's first character.
    let start: SourceLocation
    /// False when positions inside the text do not map to columns (block scalars, `--set`).
    let hasColumns: Bool

    init(text: String, path: String, start: SourceLocation, hasColumns: Bool) throws(JobError) {
        self.text = text
        self.path = path
        self.start = start
        self.hasColumns = hasColumns
        do {
            expression = try ExpressionParser.parse(text)
        } catch {
            throw Self.error(text, path, start, hasColumns, error.position, error.message, error.hint)
        }
    }

    func error(_ position: Int, _ message: String, hint: String? = nil) -> JobError {
        Self.error(text, path, start, hasColumns, position, message, hint)
    }

    private static func error(
        _ text: String, _ path: String, _ start: SourceLocation, _ hasColumns: Bool, _ position: Int,
        _ message: String, _ hint: String?
    ) -> JobError {
        if hasColumns, case .file(let line, let column) = start {
            return JobError(
                path: path, location: .file(line: line, column: column + position), message: message, hint: hint)
        }
        let line = text.split(separator: "\n").joined(separator: " ")
        return JobError(
            path: path, location: start, message: "\(message) (at character \(position + 1) of \"\(line)\")",
            hint: hint)
    }
}

/// What a name in an expression stands for.
enum ExpressionBinding {
    case constant(ParameterValue)
    /// A coordinate along a grid axis.
    case axis(Int, [ParameterValue])
    case expression(ExpressionSource)
    /// The model works the value out, or the job has to give it and does not.
    case absent
}

/// Compiles expressions over one grid.
struct ExpressionCompiler {
    typealias Program = ExpressionProgram
    typealias Lookup = (String) -> (spec: ParameterSpec, binding: ExpressionBinding)?

    private let axisCounts: [Int]
    private let lookup: Lookup
    private let knownNames: [String]
    private var operations: [Program.Operation] = []
    private var types: [Program.ValueType] = []
    private var texts: [String] = []
    private var registers: [String: Int] = [:]
    /// The parameters whose expressions are being compiled, outermost first.
    private var open: [String] = []

    /// `lookup` knows every parameter by name, symbol or alias.
    init(axisCounts: [Int], knownNames: [String], lookup: @escaping Lookup) {
        self.axisCounts = axisCounts
        self.knownNames = knownNames
        self.lookup = lookup
    }

    /// The program of all `conditions` together.
    mutating func condition(_ conditions: [ExpressionSource]) throws(JobError) -> Program {
        var result: Int?
        for condition in conditions {
            let register = try compile(condition.expression, in: condition)
            guard types[register] == .flag else {
                throw condition.error(
                    condition.expression.position, "the condition is \(types[register].rawValue), not true or false",
                    hint: "compare something, as in \"step_size * L <= 2\"")
            }
            result = result.map { append(.and($0, register), .flag) } ?? register
        }
        let register = result ?? append(.constant(1), .flag)
        return finish(register)
    }

    /// The program of the parameter `spec`, given by `source`.
    mutating func parameter(_ spec: ParameterSpec, _ source: ExpressionSource) throws(JobError) -> Program {
        // `finish` must see the registers that `define` makes: as its argument it would run on a copy made before.
        let register = try define(spec, source)
        return finish(register)
    }

    private func finish(_ result: Int) -> Program {
        var used = Set<Int>()
        for case .load(let axis, _) in operations { used.insert(axis) }
        let axes = used.sorted()
        let renamed = operations.map { operation in
            guard case .load(let axis, let values) = operation else { return operation }
            return Program.Operation.load(axis: axes.firstIndex(of: axis) ?? 0, values: values)
        }
        return Program(
            operations: renamed, result: result, type: types[result], texts: texts, axes: axes,
            counts: axes.map { axisCounts[$0] })
    }

    private mutating func define(_ spec: ParameterSpec, _ source: ExpressionSource) throws(JobError) -> Int {
        open.append(spec.name)
        let register = try compile(source.expression, in: source)
        open.removeLast()
        let wanted: Program.ValueType
        switch spec.kind {
        case .integer, .real: wanted = .number
        case .choice: wanted = .text
        case .flag: wanted = .flag
        case .array:
            throw source.error(
                0, "parameter '\(spec.name)' is an array and cannot be an expression", hint: "write {value: [...]}")
        }
        guard types[register] == wanted else {
            throw source.error(
                source.expression.position,
                "parameter '\(spec.name)' must be \(wanted.rawValue), and the expression is \(types[register].rawValue)"
            )
        }
        // An integer parameter is whole in every other expression, too.
        if case .integer = spec.kind { return append(.function(.nearWhole, register), .number) }
        return register
    }

    private mutating func append(_ operation: Program.Operation, _ type: Program.ValueType) -> Int {
        operations.append(operation)
        types.append(type)
        return operations.count - 1
    }

    private mutating func code(_ text: String) -> Double {
        if let known = texts.firstIndex(of: text) { return Double(known) }
        texts.append(text)
        return Double(texts.count - 1)
    }

    private mutating func encode(
        _ value: ParameterValue, _ name: String, _ position: Int, _ source: ExpressionSource
    ) throws(JobError) -> (Double, Program.ValueType) {
        switch value {
        case .integer(let value): return (Double(value), .number)
        case .real(let value): return (value, .number)
        case .flag(let value): return (value ? 1 : 0, .flag)
        case .text(let value): return (code(value), .text)
        case .array:
            throw source.error(position, "parameter '\(name)' is an array and cannot be used in an expression")
        }
    }

    private mutating func name(
        _ name: String, _ position: Int, _ source: ExpressionSource
    ) throws(JobError) -> Int {
        guard let (spec, binding) = lookup(name) else {
            if name == "pi" { return append(.constant(.pi), .number) }
            if ExpressionFunction(rawValue: name) != nil {
                throw source.error(position, "function '\(name)' needs its argument in parentheses")
            }
            throw source.error(
                position, "unknown parameter '\(name)'\(Nearest.suggestion(name, among: knownNames))",
                hint: "texts are quoted, as in student == 'tied'")
        }
        if let known = registers[spec.name] { return known }
        let register: Int
        switch binding {
        case .constant(let value):
            let (number, type) = try encode(value, spec.name, position, source)
            register = append(.constant(number), type)
        case .axis(let axis, let values):
            var numbers: [Double] = []
            numbers.reserveCapacity(values.count)
            var type = Program.ValueType.number
            for value in values {
                let (number, its) = try encode(value, spec.name, position, source)
                numbers.append(number)
                type = its
            }
            register = append(.load(axis: axis, values: numbers), type)
        case .expression(let inner):
            if let start = open.firstIndex(of: spec.name) {
                let circle = (open[start...] + [spec.name]).joined(separator: " -> ")
                throw source.error(position, "the expression depends on itself: \(circle)")
            }
            register = try define(spec, inner)
        case .absent:
            throw source.error(
                position, "the expression needs parameter '\(spec.name)', and the job does not give it",
                hint: "add '\(spec.name)' to 'parameters'")
        }
        registers[spec.name] = register
        return register
    }

    private mutating func number(
        _ expression: Expression, for what: String, in source: ExpressionSource
    ) throws(JobError) -> Int {
        try operand(expression, .number, "'\(what)' needs numbers", source)
    }

    private mutating func operand(
        _ expression: Expression, _ type: Program.ValueType, _ need: String, _ source: ExpressionSource
    ) throws(JobError) -> Int {
        let register = try compile(expression, in: source)
        guard types[register] == type else {
            throw source.error(expression.position, "\(need), and this is \(types[register].rawValue)")
        }
        return register
    }

    private mutating func compile(
        _ expression: Expression, in source: ExpressionSource
    ) throws(JobError) -> Int {
        switch expression {
        case .number(let value, _): return append(.constant(value), .number)
        case .flag(let value, _): return append(.constant(value ? 1 : 0), .flag)
        case .text(let text, _): return append(.constant(code(text)), .text)
        case .name(let name, let position): return try self.name(name, position, source)
        case .unary(.negate, let operand, _): return append(.negate(try number(operand, for: "-", in: source)), .number)
        case .unary(.not, let operand, _):
            return append(.not(try self.operand(operand, .flag, "'not' needs true or false", source)), .flag)
        case .binary(let operation, let left, let right, let position):
            return try binary(operation, left, right, position, source)
        case .call(let name, let arguments, let position): return try call(name, arguments, position, source)
        }
    }

    private mutating func binary(
        _ operation: Expression.BinaryOperator, _ left: Expression, _ right: Expression, _ position: Int,
        _ source: ExpressionSource
    ) throws(JobError) -> Int {
        switch operation {
        case .and, .or:
            let need = "'\(operation.rawValue)' needs true or false on both sides"
            let a = try operand(left, .flag, need, source)
            let b = try operand(right, .flag, need, source)
            return append(operation == .and ? .and(a, b) : .or(a, b), .flag)
        case .equal, .notEqual:
            let a = try compile(left, in: source)
            let b = try compile(right, in: source)
            guard types[a] == types[b] else {
                throw source.error(
                    position, "'\(operation.rawValue)' compares \(types[a].rawValue) with \(types[b].rawValue)")
            }
            try checkChoice(left, right, source)
            try checkChoice(right, left, source)
            return append(operation == .equal ? .equal(a, b) : .notEqual(a, b), .flag)
        default: break
        }
        let a = try number(left, for: operation.rawValue, in: source)
        let b = try number(right, for: operation.rawValue, in: source)
        switch operation {
        case .add: return append(.add(a, b), .number)
        case .subtract: return append(.subtract(a, b), .number)
        case .multiply: return append(.multiply(a, b), .number)
        case .divide: return append(.divide(a, b), .number)
        case .modulo: return append(.modulo(a, b), .number)
        case .power: return append(.power(a, b), .number)
        case .less: return append(.less(a, b), .flag)
        case .lessOrEqual: return append(.lessOrEqual(a, b), .flag)
        case .greater: return append(.less(b, a), .flag)
        default: return append(.lessOrEqual(b, a), .flag)
        }
    }

    /// `student == 'teid'` would be false everywhere; it is a mistake.
    private func checkChoice(_ name: Expression, _ text: Expression, _ source: ExpressionSource) throws(JobError) {
        guard case .name(let name, _) = name, case .text(let text, let position) = text,
            let (spec, _) = lookup(name), case .choice(let choices) = spec.kind, !choices.contains(text)
        else { return }
        throw source.error(
            position, "'\(text)' is not a value of '\(spec.name)'\(Nearest.suggestion(text, among: choices))",
            hint: "one of: " + choices.joined(separator: ", "))
    }

    private mutating func call(
        _ name: String, _ arguments: [Expression], _ position: Int, _ source: ExpressionSource
    ) throws(JobError) -> Int {
        func expect(_ counts: ClosedRange<Int>) throws(JobError) {
            guard !counts.contains(arguments.count) else { return }
            let wanted = counts.upperBound == .max ? "at least \(counts.lowerBound)" : "\(counts.lowerBound)"
            throw source.error(
                position,
                "function '\(name)' takes \(wanted) argument\(wanted == "1" ? "" : "s"), not \(arguments.count)")
        }
        if let function = ExpressionFunction(rawValue: name), function != .nearWhole {
            try expect(1...1)
            return append(.function(function, try number(arguments[0], for: name, in: source)), .number)
        }
        switch name {
        case "pow":
            try expect(2...2)
            let base = try number(arguments[0], for: name, in: source)
            return append(.power(base, try number(arguments[1], for: name, in: source)), .number)
        case "min", "max":
            try expect(1...Int.max)
            var result = try number(arguments[0], for: name, in: source)
            for argument in arguments.dropFirst() {
                let other = try number(argument, for: name, in: source)
                result = append(name == "min" ? .minimum(result, other) : .maximum(result, other), .number)
            }
            return result
        case "if":
            try expect(3...3)
            let test = try operand(arguments[0], .flag, "'if' needs true or false first", source)
            let yes = try compile(arguments[1], in: source)
            let no = try operand(arguments[2], types[yes], "both values of 'if' must be of one kind", source)
            return append(.select(test, yes, no), types[yes])
        default:
            let known =
                ExpressionFunction.allCases.map(\.rawValue).filter { $0 != "nearWhole" } + ["pow", "min", "max", "if"]
            throw source.error(
                position, "unknown function '\(name)'\(Nearest.suggestion(name, among: known))",
                hint: "functions: " + known.joined(separator: ", "))
        }
    }
}
