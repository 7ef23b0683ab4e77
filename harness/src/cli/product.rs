//! Files that a verb writes, into a folder or one by one.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// A file to write.
pub(super) struct Product {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Product {
    pub(super) fn text(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), bytes: text.into_bytes() }
    }
}

/// Writes `products`: into the folder `out` if it is one or there are several files, else as the file `out`.
pub(super) fn save(out: &Path, products: &[Product], several: bool) -> Result<()> {
    let shown = out.display();
    let folder = out.is_dir() || several;
    if folder {
        fs::create_dir_all(out).with_context(|| format!("--out {shown} cannot be made"))?;
    }
    for Product { name, bytes } in products {
        let path = if folder { out.join(name) } else { out.to_owned() };
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        tell!("{}", path.display());
    }
    Ok(())
}
