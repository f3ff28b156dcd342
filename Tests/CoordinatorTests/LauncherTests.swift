import Coordinator
import Testing

@Suite struct LauncherTests {
    @Test func withoutALauncherNoMPIIsStarted() {
        #expect(Launcher.detect([:]) == .none)
        #expect(Launcher.detect(["SLURM_JOB_ID": "7", "SLURM_NTASKS": "4"]) == .none, "a batch script is no step")
    }

    @Test func mpirunAndSrunWithPMIxAreSeen() {
        #expect(Launcher.detect(["OMPI_COMM_WORLD_SIZE": "4"]) == .mpi)
        #expect(Launcher.detect(["PMIX_RANK": "0", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0"]) == .mpi)
    }

    @Test func thePMIOfMPICHIsSeenWhereItIsUnderstood() {
        let hydra = ["PMI_RANK": "0", "PMI_SIZE": "4"]
        let slurm = hydra.merging(["SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "4"]) { $1 }
        #expect(Launcher.detect(slurm, isOpenMPI: false) == .mpi)
        #expect(Launcher.detect(hydra, isOpenMPI: false) == .mpi)
        #expect(Launcher.detect(slurm, isOpenMPI: true) == .slurmWithoutMPI(tasks: 4))
        // Open MPI is started then, finds itself alone, and the number says that this is wrong.
        #expect(Launcher.detect(hydra, isOpenMPI: true) == .mpi)
        #expect(Launcher.announcedSize(hydra) == 4)
    }

    @Test func manySlurmTasksWithoutPMIxAreAnError() {
        let environment = ["SLURM_STEP_ID": "0", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "8"]
        #expect(Launcher.detect(environment) == .slurmWithoutMPI(tasks: 8))
        #expect(Launcher.detect(environment.merging(["SLURM_STEP_NUM_TASKS": "1"]) { $1 }) == .none)
    }

    @Test func mpirunGetsTheRanksAndTheProgramsArguments() {
        let line = Launcher.mpirun(ranks: 3, program: "/bin/dynsweep", arguments: ["run", "job.yaml"])
        #expect(line.first == "mpirun")
        #expect(line.suffix(3) == ["/bin/dynsweep", "run", "job.yaml"])
        #expect(line.firstIndex(of: "-n").map { line[$0 + 1] } == "3")
    }
}
