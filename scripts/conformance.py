#!/usr/bin/env python3
"""Runs FHIR R4 TestScripts against a server, any server.

    scripts/conformance.py BASE [--set name=value]... [FILE]...

BASE is the address of the FHIR interface, such as http://localhost:8080/fhir. FILE are TestScripts as JSON; those of
docs/conformance/ when none is named. --set gives a variable of the scripts its value, such as patientToken.
Each test is told with its result; the program fails when one does. Only Python's standard library is needed.

Understood of a TestScript: contained fixtures, variables (defaultValue, headerField, expression), operations by code or
by method and url, and assertions of response, responseCode, resource, contentType, headerField, and expression with
value and operator. An expression is a FHIRPath of names, [n], first(), count(), exists() and where(name = 'value').
Anything else is an error, never passed over.
"""

import json
import pathlib
import re
import sys
import urllib.error
import urllib.request

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "docs/conformance"
CODES = {"okay": 200, "created": 201, "noContent": 204, "notModified": 304, "bad": 400, "forbidden": 403,
         "notFound": 404, "methodNotAllowed": 405, "conflict": 409, "gone": 410, "preconditionFailed": 412,
         "unprocessable": 422}
METHODS = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}


class Failed(Exception):
    """An assertion that does not hold."""


def only(element, known):
    unknown = set(element) - set(known)
    if unknown:
        raise SystemExit(f"not understood in a TestScript: {', '.join(sorted(unknown))}")


def find(resource, expression):
    """The values of an expression, in order."""
    step = re.compile(r"(?:^|\.)(?:where\((\w+) = '([^']*)'\)|(first|count|exists)\(\)|(\w+))|\[(\d+)\]")
    found, at = [resource], 0
    while at < len(expression):
        match = step.match(expression, at)
        if not match:
            raise SystemExit(f"not understood in an expression: {expression[at:]}")
        name, value, function, member, index = match.groups()
        if name:
            found = [one for one in found if str(one.get(name)) == value]
        elif function == "first":
            found = found[:1]
        elif function == "count":
            found = [len(found)]
        elif function == "exists":
            found = [bool(found)]
        elif index is not None:
            found = found[int(index):int(index) + 1]
        elif at == 0 and found[0].get("resourceType") == member:
            pass
        else:
            inner = [one[member] for one in found if isinstance(one, dict) and member in one]
            found = [item for one in inner for item in (one if isinstance(one, list) else [one])]
        at = match.end()
    return [("true" if one else "false") if isinstance(one, bool) else one for one in found]


class Run:
    """One test of a script: what was answered so far, and the values of variables."""

    def __init__(self, base, script, given):
        self.base, self.script, self.given = base.rstrip("/"), script, given
        self.fixtures = {one["id"]: one for one in script.get("contained", [])}
        self.answers, self.last = {}, None

    def value(self, variable):
        only(variable, {"name", "defaultValue", "description", "hint", "sourceId", "headerField", "expression"})
        if variable["name"] in self.given:
            return self.given[variable["name"]]
        if "sourceId" not in variable:
            return variable.get("defaultValue", "")
        status, headers, body = self.answers[variable["sourceId"]]
        if "headerField" in variable:
            return headers.get(variable["headerField"], "")
        found = find(body, variable["expression"])
        return str(found[0]) if found else ""

    def filled(self, text):
        """A text in which ${name} is the variable's value."""
        variables = {one["name"]: one for one in self.script.get("variable", [])}
        return re.sub(r"\$\{([^}]+)\}", lambda match: self.value(variables[match.group(1)]), text)

    def operation(self, operation):
        only(operation, {"type", "resource", "label", "description", "accept", "contentType", "encodeRequestUrl", "method",
                         "params", "requestHeader", "responseId", "sourceId", "url"})
        code = operation.get("type", {}).get("code", "read")
        method = operation.get("method", METHODS.get(code, "GET")).upper()
        path = operation.get("url") or f"/{operation.get('resource', '')}{operation.get('params', '')}"
        url = self.filled(path)
        url = url if url.startswith("http") else self.base + "/" + url.lstrip("/")
        headers = {"Accept": operation.get("accept", "application/fhir+json")}
        headers.update({one["field"]: self.filled(one["value"]) for one in operation.get("requestHeader", [])})
        body = None
        if "sourceId" in operation:
            body = self.filled(json.dumps(self.fixtures[operation["sourceId"]])).encode()
            if code != "update":
                fixture = json.loads(body)
                fixture.pop("id", None)
                body = json.dumps(fixture).encode()
            headers["Content-Type"] = operation.get("contentType", "application/fhir+json")
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                told = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            told = error.code, error.headers, error.read()
        status, headers, text = told
        self.last = status, headers, json.loads(text) if text else {}
        if "responseId" in operation:
            self.answers[operation["responseId"]] = self.last

    def check(self, rule):
        only(rule, {"label", "description", "response", "responseCode", "operator", "resource", "contentType",
                    "headerField", "expression", "value", "sourceId", "warningOnly"})
        status, headers, body = self.answers[rule["sourceId"]] if "sourceId" in rule else self.last
        told = rule.get("description", "")
        if "response" in rule and status != CODES[rule["response"]]:
            raise Failed(f"{told}: answered {status}, expected {rule['response']}: {json.dumps(body)[:400]}")
        if "responseCode" in rule and str(status) not in rule["responseCode"].split(","):
            raise Failed(f"{told}: answered {status}, expected {rule['responseCode']}: {json.dumps(body)[:400]}")
        if "resource" in rule and body.get("resourceType") != rule["resource"]:
            raise Failed(f"{told}: a {body.get('resourceType')}, expected a {rule['resource']}")
        if "contentType" in rule and not headers.get("Content-Type", "").startswith(rule["contentType"]):
            raise Failed(f"{told}: {headers.get('Content-Type')}, expected {rule['contentType']}")
        if "headerField" in rule or "expression" in rule:
            if "headerField" in rule:
                found = [headers.get(rule["headerField"])] if rule["headerField"] in headers else []
            else:
                found = [str(one) for one in find(body, rule["expression"])]
            wanted = self.filled(rule.get("value", ""))
            holds = {"equals": lambda: wanted in found, "notEquals": lambda: wanted not in found,
                     "contains": lambda: any(wanted in one for one in found), "notEmpty": lambda: bool(found),
                     "empty": lambda: not found}[rule.get("operator", "equals")]
            if not holds():
                place = rule.get("headerField") or rule.get("expression")
                raise Failed(f"{told}: {place} is {found}, expected {rule.get('operator', 'equals')} {wanted}")


def main(arguments):
    given, files = {}, []
    if not arguments or arguments[0].startswith("-"):
        raise SystemExit(__doc__)
    base, rest = arguments[0], iter(arguments[1:])
    for argument in rest:
        if argument == "--set":
            name, _, value = next(rest, "").partition("=")
            given[name] = value
        else:
            files.append(pathlib.Path(argument))
    ran, failed = 0, 0
    for file in files or sorted(SCRIPTS.glob("*.json")):
        script = json.loads(file.read_text())
        for test in script["test"]:
            run, ran = Run(base, script, given), ran + 1
            try:
                for action in script.get("setup", {}).get("action", []) + test["action"]:
                    run.operation(action["operation"]) if "operation" in action else run.check(action["assert"])
                print(f"ok      {script['name']}: {test['name']}")
            except Failed as failure:
                failed += 1
                print(f"FAILED  {script['name']}: {test['name']}: {failure}")
    print(f"{ran} tests, {failed} failed")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
