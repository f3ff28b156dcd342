/// An expression of a job file (`expr`, `where`) as a tree; `position` is the offset in Unicode scalars from its start.
indirect enum Expression: Sendable, Hashable {
    case number(Double, position: Int)
    case text(String, position: Int)
    case flag(Bool, position: Int)
    case name(String, position: Int)
    case unary(UnaryOperator, Expression, position: Int)
    case binary(BinaryOperator, Expression, Expression, position: Int)
    case call(String, [Expression], position: Int)

    enum UnaryOperator: String, Sendable {
        case negate = "-"
        case not
    }

    enum BinaryOperator: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case modulo = "%"
        case power = "^"
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case equal = "=="
        case notEqual = "!="
        case and
        case or
    }

    var position: Int {
        switch self {
        case .number(_, let position), .text(_, let position), .flag(_, let position), .name(_, let position),
            .unary(_, _, let position), .binary(_, _, _, let position), .call(_, _, let position):
            return position
        }
    }

    /// Every parameter name that occurs, as written, with repetitions.
    var names: [String] {
        switch self {
        case .number, .text, .flag: return []
        case .name(let name, _): return [name]
        case .unary(_, let operand, _): return operand.names
        case .binary(_, let left, let right, _): return left.names + right.names
        case .call(_, let arguments, _): return arguments.flatMap(\.names)
        }
    }
}

/// A mistake in an expression's text.
struct ExpressionError: Error {
    let position: Int
    let message: String
    var hint: String?
}

/// A Pratt parser. From weak to strong: `or`, `and`, `not`, comparisons (chains such as `0 < x <= 1` allowed),
/// `+ -`, `* / %`, unary minus, `^` or `**` (to the right).
struct ExpressionParser {
    private enum Token: Equatable {
        case number(Double)
        case text(String)
        case name(String)
        case symbol(String)
        case end
    }

    private var tokens: [(token: Token, position: Int)] = []
    private var next = 0
    private var depth = 0

    static func parse(_ text: String) throws(ExpressionError) -> Expression {
        var parser = ExpressionParser()
        try parser.scan(text)
        guard parser.tokens.count > 1 else { throw ExpressionError(position: 0, message: "the expression is empty") }
        guard parser.tokens.count <= 10_000 else {
            throw ExpressionError(position: 0, message: "the expression is too long")
        }
        let expression = try parser.expression(0)
        guard case .end = parser.tokens[parser.next].token else {
            throw parser.unexpected("an operator")
        }
        return expression
    }

    private mutating func scan(_ text: String) throws(ExpressionError) {
        let scalars = Array(text.unicodeScalars)
        var at = 0
        func isDigit(_ i: Int) -> Bool { i < scalars.count && scalars[i] >= "0" && scalars[i] <= "9" }
        while at < scalars.count {
            let start = at
            let scalar = scalars[at]
            if scalar.properties.isWhitespace {
                at += 1
            } else if isDigit(at) || (scalar == "." && isDigit(at + 1)) {
                while isDigit(at) { at += 1 }
                if at < scalars.count, scalars[at] == "." {
                    at += 1
                    while isDigit(at) { at += 1 }
                }
                if at < scalars.count, scalars[at] == "e" || scalars[at] == "E" {
                    let isSigned = at + 1 < scalars.count && (scalars[at + 1] == "+" || scalars[at + 1] == "-")
                    if isDigit(at + (isSigned ? 2 : 1)) {
                        at += isSigned ? 2 : 1
                        while isDigit(at) { at += 1 }
                    }
                }
                let word = Self.string(scalars[start..<at])
                guard let value = Double(word), value.isFinite else {
                    throw ExpressionError(position: start, message: "'\(word)' is not a finite number")
                }
                tokens.append((.number(value), start))
            } else if scalar == "'" || scalar == "\"" {
                at += 1
                while at < scalars.count, scalars[at] != scalar { at += 1 }
                guard at < scalars.count else {
                    throw ExpressionError(position: start, message: "the quoted text does not end")
                }
                tokens.append((.text(Self.string(scalars[(start + 1)..<at])), start))
                at += 1
            } else if scalar == "_" || scalar.properties.isAlphabetic {
                while at < scalars.count,
                    scalars[at] == "_" || scalars[at].properties.isAlphabetic || isDigit(at)
                { at += 1 }
                tokens.append((.name(Self.string(scalars[start..<at])), start))
            } else {
                let pair = at + 1 < scalars.count ? Self.string(scalars[at...(at + 1)]) : ""
                if ["<=", ">=", "==", "!=", "**", "&&", "||"].contains(pair) {
                    at += 2
                    let same = ["**": "^", "&&": "and", "||": "or"]
                    tokens.append((.symbol(same[pair] ?? pair), start))
                } else if "+-*/%^<>(),!".unicodeScalars.contains(scalar) {
                    at += 1
                    tokens.append((.symbol(scalar == "!" ? "not" : String(Character(scalar))), start))
                } else if scalar == "=" {
                    throw ExpressionError(position: start, message: "'=' is not an operator", hint: "compare with '=='")
                } else {
                    throw ExpressionError(
                        position: start, message: "'\(Character(scalar))' has no meaning in an expression")
                }
            }
        }
        tokens.append((.end, scalars.count))
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    private static let powers: [String: Int] = [
        "or": 1, "and": 2, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
        "^": 8,
    ]

    private mutating func expression(_ minimum: Int) throws(ExpressionError) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 200 else { throw ExpressionError(position: 0, message: "the expression is nested too deep") }
        var left = try operand()
        var operators = 0
        while let symbol = infix(), let power = Self.powers[symbol], power > minimum {
            operators += 1
            // A left-leaning tree is as deep as it is long, and the compiler recurses on it.
            guard operators <= 1_000 else {
                throw ExpressionError(position: 0, message: "the expression is too long")
            }
            let position = tokens[next].position
            next += 1
            guard let operation = Expression.BinaryOperator(rawValue: symbol) else { throw unexpected("an operator") }
            if power == 4 {
                left = try comparison(left, operation, position)
            } else {
                // `^` binds to the right.
                let right = try expression(symbol == "^" ? power - 1 : power)
                left = .binary(operation, left, right, position: position)
            }
        }
        return left
    }

    /// `a < b <= c` means `a < b and b <= c`.
    private mutating func comparison(
        _ first: Expression, _ operation: Expression.BinaryOperator, _ position: Int
    ) throws(ExpressionError) -> Expression {
        var middle = try expression(4)
        var result = Expression.binary(operation, first, middle, position: position)
        while let symbol = infix(), Self.powers[symbol] == 4,
            let further = Expression.BinaryOperator(rawValue: symbol)
        {
            let at = tokens[next].position
            next += 1
            let right = try expression(4)
            result = .binary(.and, result, .binary(further, middle, right, position: at), position: at)
            middle = right
        }
        return result
    }

    private func infix() -> String? {
        switch tokens[next].token {
        case .symbol(let symbol): return symbol
        case .name(let name) where name == "and" || name == "or": return name
        default: return nil
        }
    }

    private mutating func operand() throws(ExpressionError) -> Expression {
        let (token, position) = tokens[next]
        next += 1
        switch token {
        case .number(let value): return .number(value, position: position)
        case .text(let text): return .text(text, position: position)
        case .symbol("("):
            let inner = try expression(0)
            guard tokens[next].token == .symbol(")") else { throw unexpected("')'") }
            next += 1
            return inner
        case .symbol("-"): return .unary(.negate, try expression(7), position: position)
        case .symbol("+"): return try expression(7)
        case .symbol("not"), .name("not"): return .unary(.not, try expression(3), position: position)
        case .name("true"), .name("True"): return .flag(true, position: position)
        case .name("false"), .name("False"): return .flag(false, position: position)
        case .name(let name) where name != "and" && name != "or":
            guard tokens[next].token == .symbol("(") else { return .name(name, position: position) }
            next += 1
            var arguments: [Expression] = []
            if tokens[next].token != .symbol(")") {
                while true {
                    arguments.append(try expression(0))
                    guard tokens[next].token == .symbol(",") else { break }
                    next += 1
                }
            }
            guard tokens[next].token == .symbol(")") else { throw unexpected("',' or ')'") }
            next += 1
            return .call(name, arguments, position: position)
        default:
            next -= 1
            throw unexpected("a number, a name or '('")
        }
    }

    private func unexpected(_ expected: String) -> ExpressionError {
        let (token, position) = tokens[next]
        let found: String
        switch token {
        case .number(let value): found = "'\(ScalarText.format(value))'"
        case .text(let text): found = "'\(text)' in quotes"
        case .name(let name): found = "'\(name)'"
        case .symbol(let symbol): found = "'\(symbol)'"
        case .end: found = "the end of the expression"
        }
        return ExpressionError(position: position, message: "expected \(expected), found \(found)")
    }
}
