//! What a machine boots from: our own Debian 12, or an image that an administrator has named.

use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};

/// A disk, and how to boot it and get in.
pub struct Image {
    disk: PathBuf,
    /// The private key that root lets in.
    pub key: PathBuf,
    /// More arguments for qemu.
    pub arguments: Vec<String>,
}

impl Image {
    /// The image that `make test-vm IMAGE=…` named, else our own, which is made when it is missing.
    pub fn find() -> Result<Self, String> {
        let directory = crate::directory();
        let mut image = match variable("IMAGE") {
            Some(disk) => Self::named(PathBuf::from(disk), &directory)?,
            None => Self::own(&directory)?,
        };
        if let Some(more) = variable("QEMU_ARGS") {
            image.arguments.extend(more.split_whitespace().map(str::to_owned));
        }
        // Of several, qemu takes the first that works, and this one always does.
        if !image.arguments.iter().any(|argument| argument == "-accel") {
            image.arguments.extend(["-accel", "tcg,thread=multi"].map(str::to_owned));
        }
        Ok(image)
    }

    fn own(directory: &Path) -> Result<Self, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm/image.sh");
        let output = Command::new(script).arg(directory).stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("cannot run image.sh: {error}"))?;
        if !output.status.success() {
            return Err("no disk could be made from this machine's Debian sources".to_owned());
        }
        let made = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let file = |name| made.join(name).display().to_string();
        let arguments = ["-kernel", &file("vmlinuz"), "-initrd", &file("initrd")];
        let append = ["-append", "root=/dev/vda rw console=ttyS0 panic=-1 quiet"];
        Ok(Self {
            disk: made.join("disk.img"),
            key: made.join("key"),
            arguments: arguments.into_iter().chain(append).map(str::to_owned).collect(),
        })
    }

    /// Boots by its own boot loader. Without a key that it knows already, it gets one from cloud-init.
    fn named(disk: PathBuf, directory: &Path) -> Result<Self, String> {
        if let Some(key) = variable("SSH_KEY") {
            let key = path::absolute(key).map_err(|error| format!("cannot find SSH_KEY: {error}"))?;
            return Ok(Self { disk, key, arguments: Vec::new() });
        }
        let seed = directory.join("seed");
        fs::create_dir_all(&seed).map_err(|error| format!("cannot make {}: {error}", seed.display()))?;
        let key = directory.join("key");
        if !key.exists() {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "hhvm-drain-tests", "-f"]).arg(&key);
            keygen.status().map_err(|error| format!("cannot run ssh-keygen: {error}"))?;
        }
        let public = fs::read_to_string(key.with_extension("pub"));
        let public = public.map_err(|error| format!("cannot read the key: {error}"))?;
        let user_data =
            format!("#cloud-config\ndisable_root: false\nssh_authorized_keys:\n  - {}\n", public.trim());
        fs::write(seed.join("user-data"), user_data)
            .and_then(|()| fs::write(seed.join("meta-data"), "instance-id: hhvm-drain-tests\n"))
            .map_err(|error| format!("cannot write the seed: {error}"))?;
        // qemu makes a file system of the directory.
        let drive = format!("if=virtio,driver=vvfat,read-only=on,label=CIDATA,dir={}", option(&seed));
        Ok(Self { disk, key, arguments: vec!["-drive".to_owned(), drive] })
    }

    /// Copies the disk, so that the image stays as it is; returns qemu's description of the copy.
    pub fn copy_to(&self, path: &Path) -> String {
        let mut copy = Command::new("cp");
        copy.args(["--sparse=always", "--reflink=auto"]).arg(&self.disk).arg(path);
        assert!(copy.status().expect("cp").success(), "failed to copy {}", self.disk.display());
        let mut magic = [0; 4];
        File::open(path).and_then(|mut file| file.read_exact(&mut magic)).expect("failed to read the disk");
        let format = if &magic == b"QFI\xfb" { "qcow2" } else { "raw" };
        format!("file={},format={format},if=virtio", option(path))
    }
}

/// A path as a part of one of qemu's options, which end at a comma.
fn option(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

/// A variable of `make test-vm`.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
