# Reads one method of a dynsweep result file: a Dict of (dims, values), dimensions in the order (axes, seed, time).
#
#   include("dynsweep_load.jl")
#   sgd = dynsweep_load("results/quickstart.h5", "sgd")
#   sgd["overlap"].dims                               # ["L", "student", "seed", "time"]
#   m = dynsweep_mean(sgd, "overlap")                 # over the seeds that are done
#
# Needs HDF5.jl.
using HDF5

function dynsweep_load(file, method)
    h5open(file) do handle
        group = handle[method]
        dims(item) = haskey(attributes(item), "DIMENSION_LIST") ?
            [basename(HDF5.name(handle[only(refs)])) for refs in read(attributes(item)["DIMENSION_LIST"])] : String[]
        # The fastest dimension comes first in Julia, last in the file.
        turned(values) = values isa AbstractArray ? permutedims(values, ndims(values):-1:1) : values
        Dict(name => (dims = dims(group[name]), values = turned(read(group[name]))) for name in keys(group))
    end
end

function dynsweep_mean(method, name)
    dims, values = method[name]
    tasks = length(method["status"].dims)
    done = reshape(method["status"].values .== 1, size(method["status"].values)..., ones(Int, ndims(values) - tasks)...)
    seed = findfirst(==("seed"), dims)
    known = done .& .!isnan.(values)
    dropdims(sum(ifelse.(known, values, 0.0); dims = seed) ./ sum(known; dims = seed); dims = seed)
end
