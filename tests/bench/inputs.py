"""Generates the inputs of the benchmarks: build contexts as folders. Deterministic; used by bench.py."""
import pathlib
import random

BASE = "loam-bench-base:latest"


def steps_40(folder: pathlib.Path):
    """(a) 40 steps: 20 times a COPY of a small file and a RUN that reads it."""
    lines = [f"FROM {BASE}"]
    for i in range(20):
        (folder / f"f{i}").write_text(f"file {i}\n")
        lines += [f"COPY f{i} /f{i}", f"RUN cat /f{i} > /out{i}"]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")


def runs_100(folder: pathlib.Path):
    """(b) 100 times RUN true; each text differs, so that none is shared."""
    lines = [f"FROM {BASE}"] + [f"RUN true {i}" for i in range(100)]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")


def files_20000(folder: pathlib.Path):
    """(c) 20,000 files of 100 to 4,000 bytes in 200 folders."""
    rng = random.Random(20000)
    for d in range(200):
        sub = folder / "src" / f"d{d:03}"
        sub.mkdir(parents=True)
        for f in range(100):
            (sub / f"f{f:03}.txt").write_bytes(rng.randbytes(rng.randint(50, 2000)).hex().encode())
    (folder / "Dockerfile").write_text(f"FROM {BASE}\nCOPY src /src\nRUN true\n")


def gib_1(folder: pathlib.Path):
    """(d) 1 GiB of text-like files of 4 MiB in four layers."""
    rng = random.Random(1)
    words = [bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz0123456789_", k=rng.randint(2, 12))) for _ in range(20000)]
    lines = ["FROM scratch"]
    for layer in range(4):
        sub = folder / f"l{layer}"
        sub.mkdir()
        for f in range(64):
            chunk = b" ".join(rng.choices(words, k=90_000))
            (sub / f"f{f}").write_bytes((chunk * 8)[: 4 << 20])
        lines.append(f"COPY l{layer} /l{layer}")
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")


def small_on_large(folder: pathlib.Path, mib: int):
    """(g) a small file on top of layers with about so many MiB."""
    gib_1(folder)
    for layer in range(4):
        for file in sorted((folder / f"l{layer}").iterdir())[max(1, mib // 16):]:
            file.unlink()
    with open(folder / "Dockerfile", "a", encoding="utf-8") as out:
        out.write("COPY small /small\n")
    (folder / "small").write_text("0")


def first_step(folder: pathlib.Path):
    """(e) one step that runs."""
    (folder / "Dockerfile").write_text(f"FROM {BASE}\nRUN true\n")


def stages(folder: pathlib.Path, count: int):
    """(f) `count` stages with 5 COPY each, and a last one that copies from all of them."""
    lines = []
    for s in range(count):
        lines.append(f"FROM scratch AS s{s}")
        for c in range(5):
            name = f"s{s}c{c}"
            (folder / name).write_text(name + "\n")
            lines.append(f"COPY {name} /{name}")
    lines.append("FROM scratch")
    lines += [f"COPY --from=s{s} / /s{s}/" for s in range(count)]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
