"""A store that the version of 88b7971 left behind, and what that version said of it.

`store.tar.xz` was made from the finished `make demo` of that version (two batches, 18 clips, 90 approved captions),
with that version's own code, like this:

1. `tables/`, `people.yaml`, `media/bookmarks/` and `media/answers/` (what the offline model wrote) were copied from its
   home. Videos, thumbnails, Label Studio's database and `secrets.json` were not: nothing that is done here needs them.
2. `Tables.maintain` compacted every table; `DeltaTable.vacuum` then dropped the files that no longer belong to a
   table, without the 30 days of grace.
3. `standings.json`: for twelve moments between the first label and the last review, the rows that were recorded until
   then were written to a store of their own, and `standings_of` was asked where every item stands. A row holds batch,
   clip, aspect, stage, and the ids of label, draft and candidate. All eight stages occur.
4. `dataset.json`: the job `export` ran twice over the copy, into two empty folders. Both gave the same files, byte for
   byte, and the dataset had the id of the one that the demo itself had exported before anything was compacted.
   The sha256 of each file is kept. Since then the card lists only what `load_dataset` can load: the hash of README.md
   is that of the present card, and the manifest and the id, which are made of it, follow. No other file has moved.
   Since then, too, people are pseudonyms, and rows have columns more (`rights_until`, `purposes`,
   `corrected_upstream`): the test takes both back before it compares the canonical rows with the recorded hashes. Each
   split has tables by task, which are new; trainers' files are written on request, and compared as they were.
   `primitives.parquet` is new.

No file of a dataset carries a time. Two carry more than rows and texts: `manifest.json` names the version of the
package `chai` and the versions of the tables, and Parquet files name the version of pyarrow. The dataset's id is made
of the manifest, so all of them move when one of these packages does; `made_with` holds what they were made with.
"""
