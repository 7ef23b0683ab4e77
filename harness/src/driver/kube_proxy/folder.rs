//! What a kube-proxy has around it: a folder with its tools, its configuration and its log.

use super::binary;
use super::config::{self, Told};
use crate::backend::Backend;
use crate::tool::origin;
use anyhow::{Context, Result};
use lab_core::layout::Tool;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the folders are, in the root file system of the tools: /run is in memory, and the sandbox's own.
const PLACE: &str = "run/svclab-kube-proxy";

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    /// The root file system that kube-proxy and its tools see.
    pub(super) root: PathBuf,
    /// The folder, as seen from this process.
    outer: PathBuf,
    /// The folder, as seen from that root.
    inner: PathBuf,
    /// The binary, as seen from that root.
    pub(super) program: PathBuf,
}

impl Folder {
    /// Makes one for kube-proxy with the tools of `backend`.
    ///
    /// Each tool is a file of its own, so that its starts can be told from the others'.
    ///
    /// # Errors
    /// If something cannot be copied or written.
    pub(super) fn make(told: &Told<'_>, backend: &dyn Backend, server: SocketAddr) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = Tool::ALL.iter().find_map(|&tool| origin::find(backend.program(tool)));
        let root = root.map_or_else(|| PathBuf::from("/"), |placed| placed.root);
        let inner = Path::new("/").join(PLACE).join(number.to_string());
        let outer = root.join(PLACE).join(number.to_string());
        let own = binary::place(told.binary);
        let program = if root == Path::new("/") { own.clone() } else { inner.join("kube-proxy") };
        let folder = Self { root, outer, inner, program };
        folder.fill(told, backend, server, &own).with_context(|| format!("making {}", folder.outer.display()))?;
        Ok(folder)
    }

    fn fill(&self, told: &Told<'_>, backend: &dyn Backend, server: SocketAddr, own: &Path) -> Result<()> {
        // One that another process left behind would have other tools.
        let _ = fs::remove_dir_all(&self.outer);
        fs::create_dir_all(self.tools())?;
        if self.root != Path::new("/") {
            fs::copy(own, self.outer.join("kube-proxy")).with_context(|| format!("copying {}", own.display()))?;
        }
        for &tool in Tool::ALL {
            // What is not there kube-proxy finds out, as it would on a node.
            let Some(placed) = origin::find(backend.program(tool)) else { continue };
            let file = placed.root.join(placed.file.strip_prefix("/").unwrap_or(&placed.file));
            fs::copy(&file, self.tools().join(tool.name())).with_context(|| format!("copying {}", file.display()))?;
        }
        let config = told.configuration(&self.inner.join("kubeconfig"));
        fs::write(self.outer.join("config"), config.to_string())?;
        fs::write(self.outer.join("kubeconfig"), config::kubeconfig(server).to_string())?;
        fs::write(self.log(), "")?;
        Ok(())
    }

    /// The folder of tools, as seen from this process.
    pub(super) fn tools(&self) -> PathBuf {
        self.outer.join("bin")
    }

    /// The folders that kube-proxy looks for tools in, as its PATH.
    pub(super) fn path(&self) -> PathBuf {
        self.inner.join("bin")
    }

    /// kube-proxy's log, as seen from this process.
    pub(super) fn log(&self) -> PathBuf {
        self.outer.join("log")
    }

    /// The configuration, as kube-proxy sees it.
    pub(super) fn config(&self) -> PathBuf {
        self.inner.join("config")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is in memory, and goes with the sandbox at the latest.
        let _ = fs::remove_dir_all(&self.outer);
    }
}
