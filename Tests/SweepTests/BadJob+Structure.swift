extension BadJob {
    /// Mistakes in what surrounds the parameters.
    static let structure: [BadJob] = [
        BadJob(
            "empty file", "",
            #"""
            job.yaml:1:1: error: the job is empty
              hint: see 'dynsweep models' and docs/job-file.md
            """#),
        BadJob(
            "only a comment", "# nothing\n",
            #"""
            job.yaml:1:1: error: the job is empty
              hint: see 'dynsweep models' and docs/job-file.md
            """#),
        BadJob(
            "a list instead of a job", "- a\n- b\n",
            #"""
            job.yaml:1:1: error: a job is a mapping of keys such as 'model:', not a list
              hint: keys: name, model, methods, parameters, zip, per_method, where, seeds, record, output, limits, figure
            """#),
        BadJob(
            "YAML that does not close", "model: toy\nmethods: [sgd\nparameters: {d: 1}\n",
            #"""
            job.yaml:3:11: error: YAML syntax: did not find expected ',' or ']', while parsing a flow sequence that starts at line 2, column 10
            """#),
        BadJob(
            "a tab for indentation", "model: toy\nparameters:\n\td: 100\n",
            #"""
            job.yaml:3:1: error: a tab is used for indentation
              hint: YAML is indented with spaces only
            """#),
        BadJob(
            "two documents", base + "---\nmodel: toy\n",
            #"""
            job.yaml:5:1: error: a second YAML document starts here
              hint: a job file holds one job
            """#),
        BadJob(
            "an alias without anchor", adding("  L: *lengths"),
            #"""
            job.yaml:6:6: error: the YAML alias has no anchor before it
              hint: define it with &name, or quote a text that starts with '*'
            """#),
        BadJob(
            "a duplicate key", base + "model: toy\n",
            #"""
            job.yaml:5:1: error: key 'model' is given more than once
              hint: keep one of them; the first is in line 1
            """#),
        BadJob(
            "a duplicate key in a nested mapping", adding("  d: 50"),
            #"""
            job.yaml:6:3: error: key 'd' is given more than once
              hint: keep one of them; the first is in line 4
            """#),
        BadJob(
            "a key that is a list", "[a, b]: 1\n",
            #"""
            job.yaml:1:1: error: a key must be a name
            """#),
        BadJob(
            "brackets nested without end",
            "model: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            #"""
            job.yaml:1:72: error: nested too deep
              hint: a job needs a few levels, not 64
            """#),
        BadJob(
            "no model", "methods: [sgd]\n",
            #"""
            job.yaml: error: key 'model' is missing
              hint: models: toy
            """#),
        BadJob(
            "a misspelt model key", "modle: toy\nmethods: [sgd]\n",
            #"""
            job.yaml:1:1: error: unknown key 'modle'; did you mean 'model'?
              hint: models: toy
            """#),
        BadJob(
            "an unknown model", "model: toi\nmethods: [sgd]\n",
            #"""
            job.yaml:1:8: error: unknown model 'toi'; did you mean 'toy'?
              hint: models: toy
            """#),
        BadJob(
            "a model that is a list", "model: [toy]\n",
            #"""
            job.yaml:1:8: error: 'model' must be a name, not a list
              hint: models: toy
            """#),
        BadJob(
            "an unknown key", base + "seed: 4\n",
            #"""
            job.yaml:5:1: error: unknown key 'seed'; did you mean 'seeds'?
              hint: known: name, model, methods, parameters, zip, per_method, where, seeds, record, output, limits, figure
            """#),
        BadJob(
            "no methods", "model: toy\nparameters: {d: 100, step_size: 0.1}\n",
            #"""
            job.yaml: error: key 'methods' is missing
              hint: methods of toy: sgd, ode, closed-form
            """#),
        BadJob(
            "an unknown method",
            "model: toy\nmethods: [sdg]\nparameters: {d: 100, step_size: 0.1}\nrecord: {times: [1]}\n",
            #"""
            job.yaml:2:11: error: unknown method 'sdg'; did you mean 'sgd'?
              hint: methods of toy: sgd, ode, closed-form
            """#),
        BadJob(
            "a method twice",
            "model: toy\nmethods: [sgd, sgd]\nparameters: {d: 100, step_size: 0.1}\nrecord: {times: [1]}\n",
            #"""
            job.yaml:2:16: error: method 'sgd' is listed twice
            """#),
        BadJob(
            "an empty list of methods", "model: toy\nmethods: []\nparameters: {d: 100, step_size: 0.1}\n",
            #"""
            job.yaml:2:10: error: 'methods' is an empty list
            """#),
        BadJob(
            "a name with a slash", base + "name: a/b\n",
            #"""
            job.yaml:5:7: error: 'name' must not contain '/' or control characters
            """#),
    ]
}
