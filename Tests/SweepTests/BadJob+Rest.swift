extension BadJob {
    /// Mistakes in conditions, zips, seeds, recording, limits and overrides.
    static let rest: [BadJob] = [
        BadJob(
            "where that is a number", base + "where: \"step_size * 2\"\n",
            #"""
            job.yaml:5:19: error: the condition is a number, not true or false
              hint: compare something, as in "step_size * L <= 2"
            """#),
        BadJob(
            "where with one equals sign", base + "where: \"L = 2\"\n",
            #"""
            job.yaml:5:11: error: '=' is not an operator
              hint: compare with '=='
            """#),
        BadJob(
            "where with an impossible text", base + "where: \"student == 'teid'\"\n",
            #"""
            job.yaml:5:20: error: 'teid' is not a value of 'student'; did you mean 'tied'?
              hint: one of: tied, untied, attention
            """#),
        BadJob(
            "where that adds a text", base + "where: \"student + 1 > 2\"\n",
            #"""
            job.yaml:5:9: error: '+' needs numbers, and this is a text
            """#),
        BadJob(
            "where that leaves nothing", base + "where: \"step_size > 1\"\n",
            #"""
            job.yaml:5:9: error: the condition leaves no point for method 'sgd'
            """#),
        BadJob(
            "the second condition is wrong", base + "where: [\"L <= 2\", \"d >\"]\n",
            #"""
            job.yaml:5:23: error: expected a number, a name or '(', found the end of the expression
            """#),
        BadJob(
            "where in a block", base + "where: >\n  L <= 2 and\n  dd > 3\n",
            #"""
            job.yaml:5:8: error: unknown parameter 'dd'; did you mean 'd'? (at character 12 of "L <= 2 and dd > 3")
              hint: texts are quoted, as in student == 'tied'
            """#),
        BadJob(
            "zipped axes of unequal lengths", adding("  L: [1, 2, 4]\n  noise: [0, 1]\nzip: [[L, noise]]"),
            #"""
            job.yaml:8:7: error: zipped axes have unequal lengths: 'L' has 3 values, 'noise' has 2
            """#),
        BadJob(
            "zip with an unknown parameter", adding("  L: [1, 2]\nzip: [[L, nose]]"),
            #"""
            job.yaml:7:11: error: unknown parameter 'nose'; did you mean 'noise'?
            """#),
        BadJob(
            "zip with a fixed parameter", adding("  L: [1, 2]\nzip: [[L, d]]"),
            #"""
            job.yaml:7:11: error: 'd' is zipped and has no list of values
              hint: only axes can be zipped
            """#),
        BadJob(
            "zip that is no list of lists", adding("  L: [1, 2]\nzip: [L, d]"),
            #"""
            job.yaml:7:7: error: a zip needs a list of two or more parameters, not 'L'
              hint: write zip: [[L, step_size]]
            job.yaml:7:10: error: a zip needs a list of two or more parameters, not 'd'
              hint: write zip: [[L, step_size]]
            """#),
        BadJob(
            "zip of a parameter that is not given", adding("  L: [1, 2]\nzip: [[L, noise]]"),
            #"""
            job.yaml:7:11: error: 'noise' is zipped and not given in 'parameters'
            """#),
        BadJob(
            "zip of a parameter in two groups",
            adding("  L: [1, 2]\n  noise: [0, 1]\n  bias: [0, 1]\nzip: [[L, noise], [L, bias]]"),
            #"""
            job.yaml:9:20: error: parameter 'L' is zipped twice
            """#),
        BadJob(
            "zip with the same pair twice", adding("  L: [1, 1]\n  noise: [2, 2]\nzip: [[L, noise]]"),
            #"""
            job.yaml:8:7: error: the zipped axes have L = 1, noise = 2 twice
            """#),
        BadJob(
            "per_method for a method that is not listed", base + "per_method: {ode: {d: 50}}\n",
            #"""
            job.yaml:5:14: error: method 'ode' is not listed in 'methods'
              hint: listed: sgd
            """#),
        BadJob(
            "per_method for an unknown method", base + "per_method: {sgdd: {d: 50}}\n",
            #"""
            job.yaml:5:14: error: unknown method 'sgdd'; did you mean 'sgd'?
              hint: listed: sgd
            """#),
        BadJob(
            "per_method with an unknown parameter", base + "per_method: {sgd: {dd: 50}}\n",
            #"""
            job.yaml:5:20: error: unknown parameter 'dd'; did you mean 'd'?
              hint: 'dynsweep models toy' lists the parameters
            """#),
        BadJob(
            "per_method that unzips lengths",
            adding("  L: [1, 2]\n  noise: [0, 1]\nzip: [[L, noise]]\nper_method: {sgd: {L: [1, 2, 4]}}"),
            #"""
            job.yaml:8:7: error: zipped axes have unequal lengths: 'L' has 3 values, 'noise' has 2
            """#),
        BadJob(
            "a combination that the model forbids", adding("  student: [tied, attention]\n  L: [1, 2]"),
            #"""
            job.yaml:6:3: error: method 'sgd': attention needs L >= 2 (at student = attention, L = 1)
              hint: leave such points out with 'where'
            """#),
        BadJob(
            "a fixed combination that the model forbids", adding("  student: attention"),
            #"""
            job.yaml:6:3: error: method 'sgd': attention needs L >= 2
            """#),
        BadJob(
            "seeds without a simulation", "model: toy\nmethods: [closed-form]\nseeds: 4\n",
            #"""
            job.yaml:3:1: error: 'seeds' is given, and none of the methods depends on a seed
              hint: add a simulation to 'methods', or leave 'seeds' out
            """#),
        BadJob(
            "zero seeds", base + "seeds: 0\n",
            #"""
            job.yaml:5:8: error: 'seeds' must be an integer >= 1, not '0'
            """#),
        BadJob(
            "seeds of a wrong kind", base + "seeds: [1, 2]\n",
            #"""
            job.yaml:5:8: error: 'seeds' must be an integer >= 1, not a list
            """#),
        BadJob(
            "seeds with an unknown key", base + "seeds: {count: 4, bse: 7}\n",
            #"""
            job.yaml:5:19: error: unknown key 'bse' of 'seeds'; did you mean 'base'?
              hint: known: count, base, sem, max, min
            """#),
        BadJob(
            "seeds without count", base + "seeds: {base: 7}\n",
            #"""
            job.yaml:5:1: error: 'seeds' needs 'count' or 'sem'
              hint: for example seeds: {count: 16, base: 7}
            """#),
        BadJob(
            "sem without max", base + "seeds: {sem: {test_loss: 0.1}}\n",
            #"""
            job.yaml:5:9: error: 'sem' needs 'max', the most seeds a point may get
            """#),
        BadJob(
            "sem with count", base + "seeds: {sem: {test_loss: 0.1}, max: 10, count: 4}\n",
            #"""
            job.yaml:5:41: error: 'count' and 'sem' exclude each other
              hint: bound a sem rule with 'max'
            """#),
        BadJob(
            "sem of an observable that is not recorded", base + "seeds: {sem: {test_los: 0.1}, max: 10}\n",
            #"""
            job.yaml:5:15: error: no seeded method records observable 'test_los'; did you mean 'test_loss'?
            """#),
        BadJob(
            "sem with a negative tolerance", base + "seeds: {sem: {test_loss: -0.1}, max: 10}\n",
            #"""
            job.yaml:5:26: error: the standard error of 'test_loss' must be a number > 0, not '-0.1'
            """#),
        BadJob(
            "min above max", base + "seeds: {sem: {test_loss: 0.1}, max: 10, min: 20}\n",
            #"""
            job.yaml:5:46: error: 'min' of seeds is larger than 'max'
            """#),
        BadJob(
            "no record", "model: toy\nmethods: [sgd]\nparameters: {d: 100, step_size: 0.1}\n",
            #"""
            job.yaml: error: key 'record' is missing: method 'sgd' needs recording times
              hint: for example record: {times: {logspace: [1, 100000, 60]}}
            """#),
        BadJob(
            "record without times", adding("", record: "record: {observables: [overlap]}\n"),
            #"""
            job.yaml:7:1: error: 'record' has no 'times', and method 'sgd' needs them
              hint: for example record: {times: {logspace: [1, 100000, 60]}}
            """#),
        BadJob(
            "an unknown key of record", adding("", record: "record: {times: [1], observable: [overlap]}\n"),
            #"""
            job.yaml:7:22: error: unknown key 'observable' of 'record'; did you mean 'observables'?
              hint: known: times, time_unit, observables, kernels
            """#),
        BadJob(
            "a negative time", adding("", record: "record: {times: [-1, 1]}\n"),
            #"""
            job.yaml:7:18: error: recording times must be >= 0, not -1
            """#),
        BadJob(
            "times that do not increase", adding("", record: "record: {times: [1, 10, 5]}\n"),
            #"""
            job.yaml:7:25: error: recording times must increase: 5 comes after 10
            """#),
        BadJob(
            "a time that is no number", adding("", record: "record: {times: [1, soon]}\n"),
            #"""
            job.yaml:7:21: error: a recording time must be a number, not 'soon'
            """#),
        BadJob(
            "an infinite time", adding("", record: "record: {times: [1, .inf]}\n"),
            #"""
            job.yaml:7:21: error: a recording time must be finite, not '.inf'
            """#),
        BadJob(
            "a decreasing spacing of times", adding("", record: "record: {times: {linspace: [10, 1, 4]}}\n"),
            #"""
            job.yaml:7:28: error: recording times must increase
            """#),
        BadJob(
            "an unknown spacing of times", adding("", record: "record: {times: {logspce: [1, 10, 4]}}\n"),
            #"""
            job.yaml:7:18: error: 'times' needs exactly one of linspace, logspace, range; did you mean 'logspace'?
            """#),
        BadJob(
            "an unknown time unit", adding("", record: "record: {times: [1], time_unit: seconds}\n"),
            #"""
            job.yaml:7:33: error: 'time_unit' must be steps or t, not 'seconds'
              hint: t is the model's rescaled time in which theory has a limit
            """#),
        BadJob(
            "an unknown observable", adding("", record: "record: {times: [1], observables: [overlp]}\n"),
            #"""
            job.yaml:7:36: error: unknown observable 'overlp'; did you mean 'overlap'?
              hint: observables of the job's methods: test_loss, overlap, overlap_vec, escape_time, p_escape
            """#),
        BadJob(
            "an observable twice", adding("", record: "record: {times: [1], observables: [overlap, overlap]}\n"),
            #"""
            job.yaml:7:45: error: observable 'overlap' is listed twice
            """#),
        BadJob(
            "a method without any of the observables",
            adding("", methods: "[sgd, closed-form]", record: "record: {times: [1], observables: [overlap]}\n"),
            #"""
            job.yaml:7:22: error: method 'closed-form' has none of the listed observables
              hint: it has: critical_step
            """#),
        BadJob(
            "a grid above the limit",
            adding(
                "  bias: {linspace: [0, 1, 1000]}\n  noise: {linspace: [0, 1, 1000]}\nlimits: {tasks: 100000}\nseeds: 4"
            ),
            #"""
            job.yaml:3:1: error: the grid of method 'sgd' has 1000 x 1000 x 4 tasks, more than the limit of 100000
              hint: use fewer values, or raise limits.tasks (at most 4294967295)
            """#),
        BadJob(
            "a grid beyond all numbers",
            adding(
                "  bias: {linspace: [0, 1, 1000000]}\n  noise: {linspace: [0, 1, 1000000]}\n  mixing: {linspace: [0, 1, 1000000]}\n  init_scale: {linspace: [0, 1, 1000000]}"
            ),
            #"""
            job.yaml:3:1: error: the grid of method 'sgd' has 1000000 x 1000000 x 1000000 x 1000000 tasks, more than the limit of 100000000
              hint: use fewer values, or raise limits.tasks (at most 4294967295)
            """#),
        BadJob(
            "a limit without unit sense", base + "limits: {task_memory: 2 cows}\n",
            #"""
            job.yaml:5:23: error: 'task_memory' must be a size such as 2GB, not '2 cows'
              hint: units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB
            """#),
        BadJob(
            "a negative time limit", base + "limits: {task_minutes: -1}\n",
            #"""
            job.yaml:5:24: error: 'task_minutes' must be a number > 0, not '-1'
            """#),
        BadJob(
            "an unknown limit", base + "limits: {task_hours: 1}\n",
            #"""
            job.yaml:5:10: error: unknown key 'task_hours' of 'limits'
              hint: known: task_minutes, task_memory, tasks
            """#),
        BadJob(
            "too high a limit", base + "limits: {tasks: 1e10}\n",
            #"""
            job.yaml:5:17: error: 'tasks' must be at most 4294967295, not 10000000000
            """#),
        BadJob(
            "an output below a file", base + "output: /dev/null/a.h5\n",
            #"""
            job.yaml:5:9: error: the output '/dev/null/a.h5' cannot be written: '/dev/null' is not a directory
            """#),
        BadJob(
            "an output that is a directory", base + "output: /usr\n",
            #"""
            job.yaml:5:9: error: the output '/usr' cannot be written: it is a directory
            """#),
        BadJob(
            "figure with an unknown key", base + "figure: {xx: d}\n",
            #"""
            job.yaml:5:10: error: unknown key 'xx' of 'figure'; did you mean 'x'?
              hint: known: x, y, hue, panels, xscale, yscale, at, xlines, ylines, methods, trajectories, compare
            """#),
        BadJob(
            "figure with an unknown observable", base + "figure: {y: overlp}\n",
            #"""
            job.yaml:5:13: error: 'y' of figure must be an observable, not 'overlp'; did you mean 'overlap'?
            """#),
        BadJob(
            "figure with an unknown parameter", base + "figure: {x: dd}\n",
            #"""
            job.yaml:5:13: error: 'x' of figure must be a parameter or 'time', not 'dd'; did you mean 'd'?
            """#),
        BadJob(
            "figure held at an unknown axis", base + "figure: {at: {dd: 4}}\n",
            #"""
            job.yaml:5:15: error: 'at' of figure: no axis 'dd'; did you mean 'd'?
            """#),
        BadJob(
            "figure with a reference line that is no number", base + "figure: {ylines: [0.5, half]}\n",
            #"""
            job.yaml:5:24: error: 'ylines' of figure must be numbers, not 'half'
            """#),
        BadJob(
            "figure with a method that the job has not", base + "figure: {methods: [ode]}\n",
            #"""
            job.yaml:5:20: error: 'methods' of figure: the job has no 'ode'
            """#),
        BadJob(
            "figure that compares what is no mapping", base + "figure: {compare: sgd}\n",
            #"""
            job.yaml:5:19: error: 'compare' of figure must be a mapping, not 'sgd'
              hint: a method and its theory, such as {sgd: ode} or {sgd: [ode, overlap-chain]}
            """#),
        BadJob(
            "figure that compares methods that the job has not", base + "figure: {compare: {sgdd: [sgd, ode]}}\n",
            #"""
            job.yaml:5:20: error: 'compare' of figure: the job has no 'sgdd'; did you mean 'sgd'?
            job.yaml:5:32: error: 'sgdd' in 'compare' of figure: the job has no 'ode'
            """#),
        BadJob(
            "figure with trajectories that are neither", base + "figure: {trajectories: some}\n",
            #"""
            job.yaml:5:24: error: 'trajectories' of figure must be true or false, not 'some'
            """#),
        BadJob(
            "figure with an unknown scale", base + "figure: {xscale: logarithmic}\n",
            #"""
            job.yaml:5:18: error: 'xscale' must be one of linear, log, symlog, not 'logarithmic'
            """#),
        BadJob(
            "several mistakes at once",
            "model: toy\nmethods: [sgd, odd]\nparameters:\n  d: 0\n  stepsize: 0.1\nseeds: none\nrecord: {times: []}\n",
            #"""
            job.yaml:2:16: error: unknown method 'odd'; did you mean 'ode'?
              hint: methods of toy: sgd, ode, closed-form
            job.yaml:4:6: error: parameter 'd' must be an integer >= 2, not 0
            job.yaml:5:3: error: unknown parameter 'stepsize'; did you mean 'step_size'?
              hint: 'dynsweep models toy' lists the parameters
            job.yaml:6:8: error: 'seeds' must be an integer >= 1, not 'none'
            job.yaml:7:17: error: 'times' is an empty list
            """#),
        BadJob(
            "--set with an unknown parameter", base, set: ["step_sise=0.2"],
            #"""
            --set step_sise=0.2: error: unknown parameter 'step_sise'; did you mean 'step_size'?
              hint: 'dynsweep models toy' lists the parameters
            """#),
        BadJob(
            "--set with a bad value", base, set: ["d=[10, x]"],
            #"""
            --set d=[10, x]: error: parameter 'd' must be an integer >= 2, not 'x'
            """#),
        BadJob(
            "--set without value", base, set: ["L"],
            #"""
            --set L: error: expected KEY=VALUE
              hint: for example --set L=4 or --set record.times=[0,10,100]
            """#),
        BadJob(
            "--set with broken YAML", base, set: ["L=[2, 4"],
            #"""
            --set L=[2, 4: error: YAML syntax: did not find expected ',' or ']', while parsing a flow sequence that starts at line 1, column 1
            """#),
        BadJob(
            "--set into a scalar", base + "seeds: 16\n", set: ["seeds.base=3"],
            #"""
            --set seeds.base=3: error: 'seeds' is not a mapping in the job
              hint: give it whole: --set seeds={...}
            """#),
        BadJob(
            "--set with an unknown path", base, set: ["recrd.times=[1]"],
            #"""
            --set recrd.times=[1]: error: unknown key 'recrd'; did you mean 'record'?
              hint: a dotted path starts with one of: name, model, methods, parameters, zip, per_method, where, seeds, record, output, limits, figure
            """#),
        BadJob(
            "--set with a bad expression", base, set: ["where=L <"],
            #"""
            --set where=L <: error: expected a number, a name or '(', found the end of the expression (at character 4 of "L <")
            """#),
        BadJob(
            "lists in lists without end",
            "- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - ",
            #"""
            job.yaml:1:513: error: nested too deep
              hint: a job needs a few levels, not 64
            """#),
        BadJob(
            "a list entry that is null", adding("  noise: [0, ~]"),
            #"""
            job.yaml:6:14: error: parameter 'noise' must be a number >= 0, not empty
            """#),
        BadJob(
            "where that divides a text", base + "where: \"L / 'two' > 1\"\n",
            #"""
            job.yaml:5:13: error: '/' needs numbers, and this is a text
            """#),
        BadJob(
            "or without parentheses meant for flags", base + "where: \"L or random_sign\"\n",
            #"""
            job.yaml:5:9: error: 'or' needs true or false on both sides, and this is a number
            """#),
        BadJob(
            "an unknown character", base + "where: \"L § 2\"\n",
            #"""
            job.yaml:5:11: error: '§' has no meaning in an expression
            """#),
        BadJob(
            "a text that does not end", base + "where: \"student == 'tied\"\n",
            #"""
            job.yaml:5:20: error: the quoted text does not end
            """#),
        BadJob(
            "parameters as a list", "model: toy\nmethods: [sgd]\nparameters: [d, L]\nrecord: {times: [1]}\n",
            #"""
            job.yaml:3:13: error: 'parameters' must be a mapping of parameters to values, not a list
            """#),
        BadJob(
            "--set that repeats no value", base, set: ["=4"],
            #"""
            --set =4: error: expected KEY=VALUE
              hint: for example --set L=4 or --set record.times=[0,10,100]
            """#),
    ]
}
