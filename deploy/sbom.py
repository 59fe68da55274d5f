"""Writes what a built program is made of, as CycloneDX 1.5 JSON, to the standard output or a file.

    sbom.py PROGRAM [--scratch-path DIR] [--commit ID] [--output FILE]

PROGRAM is the path of a built lab-server or lab-bench. Swift packages come from the package's own description, with the
versions and revisions that were built; shared libraries from what the program is linked with, with the versions of their
Debian packages. The same build gives the same bytes: no clock and no chance. The commit is that of git, unless it is
given. Ends with 1 and a sentence when something of the program cannot be named, and when a Swift package was built in
another version than the one that Package.swift pins.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid

root = pathlib.Path(__file__).resolve().parent.parent


def run(*command, needed=True):
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if needed:
            sys.exit(f"sbom: {' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return None
    return done.stdout


def swift_package(scratch, *words):
    return json.loads(run("swift", "package", "--ignore-lock", "--scratch-path", scratch, *words))


def packages_of(program, description):
    """Identities of the packages whose products the program and its modules ask for."""
    targets = {target["name"]: target for target in description["targets"]}
    wanted, seen, direct = [program], set(), set()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in targets:
            continue
        seen.add(name)
        for dependency in targets[name]["dependencies"]:
            if "product" in dependency:
                direct.add(dependency["product"][1].lower())
            else:
                wanted.append((dependency.get("byName") or dependency.get("target"))[0])
    return direct


def pins(description):
    """Versions by identity, of the packages that the manifest pins exactly."""
    found = {}
    for entry in description["dependencies"]:
        for package in entry.get("sourceControl", []):
            for version in package["requirement"].get("exact", []):
                found[package["identity"]] = version
    return found


def check_pins(pinned, built):
    """Refuses versions that another day may choose otherwise; `built` has them by identity."""
    for identity, version in sorted(built.items()):
        if identity not in pinned:
            sys.exit(f"sbom: Package.swift does not pin {identity} exactly; {version} was built")
        if pinned[identity] != version:
            sys.exit(f"sbom: Package.swift pins {identity} {pinned[identity]}, and {version} was built")


def license_of(folder):
    for path in sorted(folder.glob("LICENSE*")):
        text = path.read_text(errors="replace")
        if "Apache License" in text and "Version 2.0" in text:
            return [{"license": {"id": "Apache-2.0"}}]
        if "Permission is hereby granted, free of charge" in text:
            return [{"license": {"id": "MIT"}}]
    return None


def copies_in(folder):
    """Copies of BoringSSL that Swift packages carry in their sources: no package manager knows of them."""
    components = {}
    for note in sorted(folder.glob("Sources/*/hash.txt")):
        found = re.search(r"(BoringSSL) .* at revision ([0-9a-f]{40})", note.read_text(errors="replace"))
        if found:
            reference = f"pkg:generic/boringssl@{found[2]}"
            components[reference] = component("library", "boringssl", found[2], reference)
    return components


def component(kind, name, version, purl, **more):
    found = {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}
    found.update({key: value for key, value in more.items() if value})
    return found


def swift_components(program, scratch):
    """Components, and for each reference the references that it needs; the program's own under None."""
    description = swift_package(scratch, "dump-package")
    tree = swift_package(scratch, "show-dependencies", "--format", "json")
    state = json.loads((root / scratch / "workspace-state.json").read_text())["object"]["dependencies"]
    revisions = {
        entry["packageRef"]["identity"]: entry["state"].get("checkoutState", {}).get("revision") for entry in state
    }
    known = {}

    def note(node):
        known.setdefault(node["identity"], node)
        for child in node["dependencies"]:
            note(child)

    for child in tree["dependencies"]:
        note(child)
    check_pins(pins(description), {identity: node["version"] for identity, node in known.items()})

    def purl(node):
        place = re.sub(r"^[a-z+]+://|^git@|\.git$", "", node["url"]).replace(":", "/")
        return f"pkg:swift/{place}@{node['version']}"

    direct = packages_of(program, description)
    missing = direct - known.keys()
    if missing:
        sys.exit(f"sbom: no package was resolved for {', '.join(sorted(missing))}")
    components, edges, wanted = {}, {None: sorted(purl(known[name]) for name in direct)}, sorted(direct)
    while wanted:
        node = known[wanted.pop()]
        reference = purl(node)
        if reference in components:
            continue
        if node["version"] == "unspecified":
            sys.exit(f"sbom: the package {node['identity']} has no version")
        revision = revisions.get(node["identity"])
        components[reference] = component(
            "library",
            node["name"],
            node["version"],
            reference,
            licenses=license_of(pathlib.Path(node["path"])),
            externalReferences=[
                {"type": "vcs", "url": node["url"], **({"comment": f"revision {revision}"} if revision else {})}
            ],
        )
        copies = copies_in(pathlib.Path(node["path"]))
        components.update(copies)
        edges[reference] = sorted({purl(known[child["identity"]]) for child in node["dependencies"]} | copies.keys())
        wanted += [child["identity"] for child in node["dependencies"]]
    return components, edges


def debian_package(library):
    """Name, version and architecture of the package that holds a file; None for a file of no package."""
    for path in (library, os.path.realpath(library), library.removeprefix("/usr"), "/usr" + library):
        owner = run("dpkg-query", "-S", path, needed=False)
        if owner:
            name = owner.split(": ")[0].split(",")[0]
            facts = run("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}", name).split("\t")
            return facts
    return None


def system_components(path):
    """Debian packages of the shared libraries, and the version of Swift's runtime, which is linked in or beside."""
    release = dict(
        line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    distribution = release.get("ID", "linux").strip('"')
    qualifier = f"{distribution}-{release.get('VERSION_ID', '').strip(chr(34))}"
    components, strangers = {}, []
    for library in re.findall(r"(/\S+) \(0x", run("ldd", path)):
        if "/swift/linux/" in library:
            continue
        found = debian_package(library)
        if found is None:
            strangers.append(library)
            continue
        name, version, architecture = found
        purl = f"pkg:deb/{distribution}/{name}@{version.replace('+', '%2B')}?arch={architecture}&distro={qualifier}"
        components[purl] = component("library", name, version, purl)
    if strangers:
        sys.exit(f"sbom: no package holds {', '.join(strangers)}")
    version = re.search(r"Swift version (\S+)", run("swift", "--version"))
    if version is None:
        sys.exit("sbom: swift --version says no version")
    reference = f"pkg:generic/swift-runtime@{version[1]}"
    components[reference] = component("library", "swift-runtime", version[1], reference)
    return components


def commit():
    known = run("git", "rev-parse", "HEAD", needed=False)
    if known is None:
        return "unknown"
    changed = run("git", "status", "--porcelain", "--untracked-files=no", needed=False)
    return known.strip() + (" with changes" if changed and changed.strip() else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--scratch-path", default=".build")
    parser.add_argument("--commit")
    parser.add_argument("--output")
    options = parser.parse_args()
    path = os.path.abspath(options.program)
    name = os.path.basename(path)
    version = run(path, "--version").strip()
    components, edges = swift_components(name, options.scratch_path)
    libraries = system_components(path)
    components.update(libraries)
    own = f"pkg:generic/{name}@{version}"
    graph = [{"ref": own, "dependsOn": sorted(edges.pop(None) + list(libraries))}]
    graph += [{"ref": reference, "dependsOn": edges.get(reference, [])} for reference in sorted(components)]
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else (
            hashlib.sha256(file.read()).hexdigest()
        )
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "component": component(
                "application",
                name,
                version,
                own,
                hashes=[{"alg": "SHA-256", "content": digest}],
                properties=[{"name": "lab:commit", "value": options.commit or commit()}],
            ),
        },
        "components": [components[reference] for reference in sorted(components)],
        "dependencies": graph,
    }
    # A name for this content, which another content does not have.
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))}"
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if options.output:
        pathlib.Path(options.output).write_text(text)
    else:
        sys.stdout.write(text)


main()
