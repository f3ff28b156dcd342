import Foundation

/// How this process was started, from its environment.
public enum Launcher: Equatable, Sendable {
    /// Alone: no MPI is started.
    case none
    /// By mpirun, or by srun with a process manager that the linked MPI understands.
    case mpi
    /// One of several tasks of a Slurm step without such a manager: N copies would each run everything.
    case slurmWithoutMPI(tasks: Int)

    public static func detect(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> Launcher {
        detect(environment, isOpenMPI: Communicator.isOpenMPI)
    }

    /// - Parameter isOpenMPI: whether Open MPI is linked. MPICH reads the variables of PMI, Open MPI does not.
    package static func detect(_ environment: [String: String], isOpenMPI: Bool) -> Launcher {
        if environment["OMPI_COMM_WORLD_SIZE"] != nil || environment["PMIX_RANK"] != nil { return .mpi }
        let isStep = environment["SLURM_STEP_ID"] != nil
        // Outside of Slurm this is MPICH's mpirun; that Open MPI makes nothing of it is seen by the number of ranks.
        if environment["PMI_RANK"] != nil, !isOpenMPI || !isStep { return .mpi }
        if isStep, environment["SLURM_PROCID"] != nil,
            let tasks = Int(environment["SLURM_STEP_NUM_TASKS"] ?? environment["SLURM_NTASKS"] ?? "1"), tasks > 1
        {
            return .slurmWithoutMPI(tasks: tasks)
        }
        return .none
    }

    /// The number of ranks the launcher says it started, when it says so.
    public static func announcedSize(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Int? {
        for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"] {
            if let text = environment[name], let size = Int(text) { return size }
        }
        return nil
    }

    /// The command line that starts `ranks` copies of `program` under mpirun.
    public static func mpirun(
        ranks: Int, program: String, arguments: [String],
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> [String] {
        // Under its own name: mpirun may be that of another MPI.
        guard Communicator.isOpenMPI else {
            return ["mpiexec.hydra", "-n", String(ranks), "-bind-to", "none", program] + arguments
        }
        var line = ["mpirun", "--quiet", "-n", String(ranks), "--bind-to", "none"]
        if ranks > ProcessInfo.processInfo.activeProcessorCount { line.append("--oversubscribe") }
        if geteuid() == 0 { line.append("--allow-run-as-root") }
        // Searching all transports is half of MPI's start; the plain ones are all that our few messages need.
        for (name, value) in [("pml", "ob1"), ("btl", "self,vader,tcp")] where environment["OMPI_MCA_\(name)"] == nil {
            line += ["--mca", name, value]
        }
        // One level for all nodes, where the user wants one (Sources/LevelChooser).
        if environment["DYNSWEEP_LEVEL"] != nil { line += ["-x", "DYNSWEEP_LEVEL"] }
        line += ["-x", "OPENBLAS_NUM_THREADS=1", program]
        return line + arguments
    }
}
