extension BadJob {
    /// Mistakes in parameters' values.
    static let values: [BadJob] = [
        BadJob(
            "an unknown parameter", adding("  step_sise: 0.2"),
            #"""
            job.yaml:6:3: error: unknown parameter 'step_sise'; did you mean 'step_size'?
              hint: 'dynsweep models toy' lists the parameters
            """#),
        BadJob(
            "a parameter by name and symbol", adding("  gamma: 0.2"),
            #"""
            job.yaml:6:3: error: 'gamma' and 'step_size' are the same parameter; give one of them
            """#),
        BadJob(
            "a parameter in two ways", adding("  noise: 0.2\n  noise_std: 0.1"),
            #"""
            job.yaml:7:3: error: 'noise_std' and 'noise' stand in place of each other; give one of them
            """#),
        BadJob(
            "a required parameter is missing", having("  d: 100"),
            #"""
            job.yaml:3:1: error: method 'sgd' needs parameter 'step_size', and the job does not give it
              hint: 'step_size' is a number > 0: step size
            """#),
        BadJob(
            "a parameter without value", adding("  noise:"),
            #"""
            job.yaml:6:9: error: parameter 'noise' has no value
              hint: 'noise' is a number >= 0: label noise
            """#),
        BadJob(
            "a text for an integer", having("  d: many\n  step_size: 0.1"),
            #"""
            job.yaml:4:6: error: parameter 'd' must be an integer >= 2, not 'many'
            """#),
        BadJob(
            "a fraction for an integer", having("  d: 100.5\n  step_size: 0.1"),
            #"""
            job.yaml:4:6: error: parameter 'd' must be an integer >= 2, not '100.5'
            """#),
        BadJob(
            "an integer out of range", having("  d: 1\n  step_size: 0.1"),
            #"""
            job.yaml:4:6: error: parameter 'd' must be an integer >= 2, not 1
            """#),
        BadJob(
            "a number out of range", having("  d: 100\n  step_size: 0"),
            #"""
            job.yaml:5:14: error: parameter 'step_size' must be a number > 0, not 0
            """#),
        BadJob(
            "a list value out of range", having("  d: 100\n  step_size: [0.1, -0.2, 0.3, -0.4]"),
            #"""
            job.yaml:5:20: error: parameter 'step_size' must be a number > 0, not -0.2
            job.yaml:5:31: error: parameter 'step_size' must be a number > 0, not -0.4
            """#),
        BadJob(
            "a number outside an interval", adding("  mixing: 1.5"),
            #"""
            job.yaml:6:11: error: parameter 'mixing' must be a number in [0, 1], not 1.5
            """#),
        BadJob(
            "NaN", adding("  noise: .nan"),
            #"""
            job.yaml:6:10: error: parameter 'noise' must be a finite number, not '.nan'
            """#),
        BadJob(
            "infinity in a list", adding("  noise: [0, inf]"),
            #"""
            job.yaml:6:14: error: parameter 'noise' must be a finite number, not 'inf'
            """#),
        BadJob(
            "a formula without expr", having("  d: 100\n  step_size: 1/3"),
            #"""
            job.yaml:5:14: error: parameter 'step_size' must be a number > 0, not '1/3'
              hint: a formula is written {expr: "1/3"}
            """#),
        BadJob(
            "an unknown choice", adding("  student: tyed"),
            #"""
            job.yaml:6:12: error: parameter 'student' must be one of tied, untied, attention, not 'tyed'; did you mean 'tied'?
            """#),
        BadJob(
            "a number for a flag", adding("  random_sign: 2"),
            #"""
            job.yaml:6:16: error: parameter 'random_sign' must be true or false, not '2'
            """#),
        BadJob(
            "a quoted number", adding("  noise: \"0.1\""),
            #"""
            job.yaml:6:10: error: parameter 'noise' must be a number >= 0, not '0.1'
              hint: numbers are written without quotes
            """#),
        BadJob(
            "an empty axis", adding("  L: []"),
            #"""
            job.yaml:6:6: error: axis 'L' has no values
              hint: give at least one value
            """#),
        BadJob(
            "a repeated value", adding("  L: [2, 4, 2]"),
            #"""
            job.yaml:6:13: error: axis 'L' has the value '2' twice
              hint: an axis holds each value once
            """#),
        BadJob(
            "a value repeated in another spelling", adding("  noise: [0.1, 1e-1]"),
            #"""
            job.yaml:6:16: error: axis 'noise' has the value '1e-1' twice
              hint: an axis holds each value once
            """#),
        BadJob(
            "a list in a list", adding("  L: [2, [4, 8]]"),
            #"""
            job.yaml:6:10: error: axis 'L' has a list as a value
              hint: 'L' is an integer from 1 to 64: sequence length
            """#),
        BadJob(
            "linspace in a list", adding("  noise: [0.5, {linspace: [0, 1, 3]}]"),
            #"""
            job.yaml:6:16: error: axis 'noise' has a mapping as a value
              hint: linspace, logspace, range and expr stand alone, not in a list
            """#),
        BadJob(
            "an unknown form", adding("  noise: {linspce: [0, 1, 3]}"),
            #"""
            job.yaml:6:11: error: unknown form 'linspce' for 'noise'; did you mean 'linspace'?
              hint: one of: linspace, logspace, range, expr, value
            """#),
        BadJob(
            "two forms at once", adding("  noise: {linspace: [0, 1, 3], range: [0, 1, 1]}"),
            #"""
            job.yaml:6:10: error: parameter 'noise' needs exactly one of linspace, logspace, range, expr, value in braces
            """#),
        BadJob(
            "linspace with two numbers", adding("  noise: {linspace: [0, 1]}"),
            #"""
            job.yaml:6:21: error: 'linspace' of 'noise' needs [from, to, count], not 2 values
            """#),
        BadJob(
            "linspace with a count of zero", adding("  noise: {linspace: [0, 1, 0]}"),
            #"""
            job.yaml:6:28: error: the count of 'noise' must be an integer >= 1, not '0'
            """#),
        BadJob(
            "linspace between equal ends", adding("  noise: {linspace: [1, 1, 3]}"),
            #"""
            job.yaml:6:21: error: 'linspace' of 'noise' has the same value 3 times
            """#),
        BadJob(
            "linspace with NaN", adding("  noise: {linspace: [0, nan, 3]}"),
            #"""
            job.yaml:6:25: error: the ends and step of 'noise' must be finite numbers, not 'nan'
            """#),
        BadJob(
            "logspace from zero", adding("  noise: {logspace: [0, 1, 3]}"),
            #"""
            job.yaml:6:22: error: 'logspace' of 'noise' needs positive ends, not 0
              hint: the ends are the values themselves, not their exponents
            """#),
        BadJob(
            "logspace of exponents out of range", having("  d: 100\n  step_size: {logspace: [-3, 0, 4]}"),
            #"""
            job.yaml:5:26: error: 'logspace' of 'step_size' needs positive ends, not -3
              hint: the ends are the values themselves, not their exponents
            """#),
        BadJob(
            "a range that goes the wrong way", adding("  noise: {range: [0, 1, -0.1]}"),
            #"""
            job.yaml:6:25: error: 'range' of 'noise' never gets from 0 to 1 in steps of -0.1
            """#),
        BadJob(
            "a range with step zero", adding("  noise: {range: [0, 1, 0]}"),
            #"""
            job.yaml:6:25: error: 'range' of 'noise' never gets from 0 to 1 in steps of 0
            """#),
        BadJob(
            "a range of fractions for an integer", adding("  L: {range: [1, 3, 0.5]}"),
            #"""
            job.yaml:6:14: error: parameter 'L' must be an integer from 1 to 64, not '1.5'
              hint: give whole numbers for start and step
            """#),
        BadJob(
            "a spacing of texts", adding("  student: {linspace: [0, 1, 3]}"),
            #"""
            job.yaml:6:13: error: 'linspace' makes numbers, and parameter 'student' is one of tied, untied, attention
              hint: give a list of values
            """#),
        BadJob(
            "an axis that is too long", adding("  noise: {linspace: [0, 1, 2000000]}"),
            #"""
            job.yaml:6:21: error: 'noise' gets 2000000 values; at most 1000000 are possible
            """#),
        BadJob(
            "an array without value", adding("  M0: [[0.3, 0.1], [0, 0.2]]"),
            #"""
            job.yaml:6:7: error: an array parameter is written 'M0: {value: [...]}'
              hint: a plain list makes an axis; an axis of arrays is [{value: [...]}, {value: [...]}]
            """#),
        BadJob(
            "a number for an array", adding("  M0: 0.3"),
            #"""
            job.yaml:6:7: error: parameter 'M0' is an array, not '0.3'
              hint: write {value: [...]}
            """#),
        BadJob(
            "a ragged array", adding("  M0: {value: [[0.3, 0.1], [0.2]]}"),
            #"""
            job.yaml:6:28: error: array 'M0' is ragged: 1 value where other rows have 2
            """#),
        BadJob(
            "an array with NaN", adding("  M0: {value: [0.3, .nan]}"),
            #"""
            job.yaml:6:21: error: array 'M0' must hold finite numbers, not '.nan'
            """#),
        BadJob(
            "an array with too many dimensions", adding("  M0: {value: [[[1]]]}"),
            #"""
            job.yaml:6:15: error: parameter 'M0' must be an array of 1 to 2 dimensions, not 3 dimensions
            """#),
        BadJob(
            "value for a number", adding("  noise: {value: 3}"),
            #"""
            job.yaml:6:11: error: parameter 'noise' is not an array
              hint: write the value directly; it is a number >= 0
            """#),
        BadJob(
            "an expression that does not parse", adding("  noise: {expr: \"0.1 * (L + 1\"}"),
            #"""
            job.yaml:6:30: error: expected ')', found the end of the expression
            """#),
        BadJob(
            "an expression with an unknown name", adding("  noise: {expr: \"0.1 * width\"}"),
            #"""
            job.yaml:6:24: error: unknown parameter 'width'
              hint: texts are quoted, as in student == 'tied'
            """#),
        BadJob(
            "an expression with a near name", adding("  noise: {expr: \"0.1 * step_sze\"}"),
            #"""
            job.yaml:6:24: error: unknown parameter 'step_sze'; did you mean 'step_size'?
              hint: texts are quoted, as in student == 'tied'
            """#),
        BadJob(
            "an unknown function", adding("  noise: {expr: \"sqr(L)\"}"),
            #"""
            job.yaml:6:18: error: unknown function 'sqr'; did you mean 'sqrt'?
              hint: functions: sqrt, cbrt, exp, expm1, log, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, erf, abs, sign, floor, ceil, round, pow, min, max, if
            """#),
        BadJob(
            "a function with two arguments too many", adding("  noise: {expr: \"sqrt(L, 2, 3)\"}"),
            #"""
            job.yaml:6:18: error: function 'sqrt' takes 1 argument, not 3
            """#),
        BadJob(
            "an expression of the wrong kind", adding("  noise: {expr: \"L > 2\"}"),
            #"""
            job.yaml:6:20: error: parameter 'noise' must be a number, and the expression is true or false
            """#),
        BadJob(
            "an expression out of range", adding("  L: [1, 2, 4]\n  noise: {expr: \"2 - L\"}"),
            #"""
            job.yaml:7:18: error: parameter 'noise' must be a number >= 0, and the expression gives -2 at L = 4
              hint: leave such points out with 'where', or change the expression
            """#),
        BadJob(
            "a constant expression out of range", adding("  mixing: {expr: \"pi\"}"),
            #"""
            job.yaml:6:19: error: parameter 'mixing' must be a number in [0, 1], and the expression gives 3.141592653589793
            """#),
        BadJob(
            "an expression that is no integer", having("  d: {expr: \"10.3 * L\"}\n  step_size: 0.1\n  L: [1, 2]"),
            #"""
            job.yaml:4:14: error: parameter 'd' must be an integer >= 2, and the expression gives 10.3 at L = 1
              hint: leave such points out with 'where', or change the expression
            """#),
        BadJob(
            "expressions in a circle", adding("  noise: {expr: \"mixing\"}\n  mixing: {expr: \"noise + 1\"}"),
            #"""
            job.yaml:6:18: error: the expression depends on itself: mixing -> noise -> mixing
            job.yaml:7:19: error: the expression depends on itself: noise -> mixing -> noise
            """#),
        BadJob(
            "an expression of itself", adding("  noise: {expr: \"noise + 1\"}"),
            #"""
            job.yaml:6:18: error: the expression depends on itself: noise -> noise
            """#),
        BadJob(
            "an expression that needs what is not given", adding("  noise: {expr: \"init_scale^2\"}"),
            #"""
            job.yaml:6:18: error: the expression needs parameter 'init_scale', and the job does not give it
              hint: add 'init_scale' to 'parameters'
            """#),
        BadJob(
            "an expression with an array", adding("  M0: {value: [1, 2]}\n  noise: {expr: \"M0 + 1\"}"),
            #"""
            job.yaml:7:18: error: parameter 'M0' is an array and cannot be used in an expression
            """#),
    ]
}
