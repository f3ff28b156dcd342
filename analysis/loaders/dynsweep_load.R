# Reads one method of a dynsweep result file: a list of arrays with named dimensions (axes, seed, time).
#
#   source("dynsweep_load.R")
#   sgd <- dynsweep_load("results/quickstart.h5", "sgd")
#   mean <- dynsweep_mean(sgd, "overlap")             # over the seeds that are done
#   matplot(sgd$time, t(mean["4", , ]), type = "l")   # by name: L = 4
#
# Needs hdf5r (Debian: r-cran-hdf5r).

dynsweep_load <- function(file, method) {
  handle <- hdf5r::H5File$new(file, "r")
  on.exit(handle$close_all())
  group <- handle[[method]]
  read <- function(name) {
    values <- group[[name]]$read()
    if (inherits(values, "integer64")) values <- as.numeric(values)
    values
  }
  dims_of <- function(name) {
    item <- group[[name]]
    if (!item$attr_exists("DIMENSION_LIST")) return(character())
    # R counts dimensions from the fastest one on.
    vapply(hdf5r::h5attr(item, "DIMENSION_LIST"),
           function(refs) basename(refs$dereference()[[1]]$get_obj_name()), "")
  }
  result <- sapply(names(group), function(name) {
    values <- read(name)
    dims <- dims_of(name)
    if (!length(dims) || identical(dims, name)) return(values)
    along <- lapply(dims, function(dim) as.character(read(dim)))
    array(aperm(array(values, rev(lengths(along)))), lengths(along), setNames(along, dims))
  }, simplify = FALSE)
  result
}

dynsweep_mean <- function(method, name) {
  values <- method[[name]]
  values[method$status != 1] <- NA   # recycled over time: status has the leading dimensions
  apply(values, setdiff(names(dimnames(values)), "seed"), mean, na.rm = TRUE)
}
