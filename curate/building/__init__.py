"""The rooms of a build, which `curate.pipeline` calls in order: listing, fetching, work, storing.

`work` runs in worker processes and touches samples; everything else runs in the driver, which alone
writes the `catalog`. The `ledger` is the catalog seen track by track.
"""
