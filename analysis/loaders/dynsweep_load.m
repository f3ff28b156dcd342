% Reads one method of a dynsweep result file into a struct of arrays with dimensions (axes, seed, time).
%
%   sgd = dynsweep_load("results/quickstart.h5", "sgd");
%   sgd.dims.overlap                               % {"L", "student", "seed", "time"}
%   overlap = sgd.overlap;
%   overlap(repmat(sgd.status ~= 1, 1, 1, 1, numel(sgd.time))) = NaN;
%   plot(sgd.time, squeeze(mean(overlap(2, 1, :, :), 3)))
%
% MATLAB needs nothing else. Octave needs its netcdf package (Debian: octave-netcdf), and h5dump (hdf5-tools) for texts.
function method = dynsweep_load(file, name)
  is_octave = exist("OCTAVE_VERSION", "builtin") ~= 0;
  if is_octave
    pkg("load", "netcdf");
    import_netcdf;
  end
  handle = netcdf.open(file, "NOWRITE");
  group = netcdf.inqNcid(handle, name);
  method = struct("dims", struct());
  for id = netcdf.inqVarIDs(group)
    [variable, type, dims] = netcdf.inqVar(group, id);
    [names, lengths] = arrayfun(@(dim) netcdf.inqDim(group, dim), dims, "UniformOutput", false);
    % The fastest dimension comes first here, last in the file.
    method.dims.(variable) = fliplr(names(:)');
    if type ~= 12
      values = netcdf.getVar(group, id);
    elseif is_octave
      [~, text] = system(sprintf("h5dump -A 0 -y -w 0 -d '/%s/%s' '%s'", name, variable, file));
      found = regexp(text(strfind(text, "DATA {")(1):end), '"(?:[^"\\]|\\.)*"|NULL', "match");
      values = reshape(regexprep(found, '^(NULL|"(.*)")$', "$2"), lengths{:}, 1, 1);
    else
      values = h5read(file, ["/" name "/" variable]);
    end
    order = max(numel(dims), 2):-1:1;
    if numel(dims) < 2, order = [1 2]; end
    method.(variable) = permute(values, order);
  end
  netcdf.close(handle);
end
