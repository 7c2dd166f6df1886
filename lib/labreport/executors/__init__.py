"""Where runs are executed: processes, Dask, SLURM, Kaggle."""
