//! Scenes with the health file and the record, on real directories.
