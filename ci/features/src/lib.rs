//! Nothing: its dependencies are the point. See README.md.
