"""The routes of a workspace's rules: the active ones, and every version there was."""

from __future__ import annotations

from policy_service.access.keys import Role
from policy_service.api.examples import common as examples
from policy_service.api.examples import reports as report_examples
from policy_service.api.requests import PAGE
from policy_service.api.resources import approvals, directory, guardrails, versions
from policy_service.api.route import EVERY_ROLE, WORKSPACE, Gives, Route, Takes
from policy_service.api.schemas import common as shapes
from policy_service.api.schemas import reports as reported
from policy_service.problems import ProblemCode

VERSION_ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/policy",
        versions.policy,
        EVERY_ROLE,
        gives=Gives(shapes.Policy, examples.POLICY),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions",
        versions.propose,
        frozenset({Role.AUTHOR}),
        takes=Takes(versions.Proposal, examples.PROPOSAL),
        gives=Gives(shapes.Version, examples.PROPOSED, status=201),
        problems=(ProblemCode.INVALID_DOCUMENT,),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/versions",
        versions.catalogue,
        EVERY_ROLE,
        query=PAGE,
        gives=Gives(shapes.VersionPage, examples.VERSIONS),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/versions/<number:number>",
        versions.show,
        EVERY_ROLE,
        gives=Gives(shapes.VersionWithDocument, examples.VERSION_WITH_DOCUMENT),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/versions/<number:number>/diff",
        versions.diff,
        EVERY_ROLE,
        query=versions.AGAINST,
        gives=Gives(reported.Diff, report_examples.DIFF),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/versions/<number:number>/report",
        versions.report,
        EVERY_ROLE,
        gives=Gives(reported.Report, report_examples.REPORT),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions/<number:number>/approve",
        versions.approve,
        frozenset({Role.APPROVER}),
        takes=Takes(versions.Approval, examples.APPROVAL),
        gives=Gives(shapes.Version, examples.APPROVED),
        problems=(
            ProblemCode.PROPOSER_MAY_NOT_APPROVE,
            ProblemCode.ALREADY_APPROVED,
            ProblemCode.DIGEST_MISMATCH,
            ProblemCode.WRONG_STATUS,
        ),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions/<number:number>/reject",
        versions.reject,
        frozenset({Role.APPROVER}),
        takes=Takes(versions.Rejection, examples.REJECTION),
        gives=Gives(shapes.Version, examples.REJECTED),
        problems=(ProblemCode.WRONG_STATUS,),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions/<number:number>/activate",
        versions.activate,
        frozenset({Role.APPROVER}),
        takes=Takes(versions.ActivationRequest, examples.ACTIVATION),
        gives=Gives(shapes.Version, examples.ACTIVE),
        problems=(ProblemCode.WRONG_STATUS, ProblemCode.PERCENT_SHRINKS),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/approvals",
        approvals.show,
        EVERY_ROLE,
        gives=Gives(approvals.Required, examples.REQUIRED),
    ),
    Route(
        "PUT",
        f"{WORKSPACE}/approvals",
        approvals.require,
        frozenset({Role.OWNER}),
        takes=Takes(approvals.Requirement, examples.REQUIREMENT),
        gives=Gives(approvals.Required, examples.REQUIRED),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/guardrails",
        guardrails.show,
        EVERY_ROLE,
        gives=Gives(guardrails.Guardrails, examples.GUARDRAILS),
    ),
    Route(
        "PUT",
        f"{WORKSPACE}/guardrails",
        guardrails.replace,
        frozenset({Role.AUDITOR, Role.OWNER}),
        takes=Takes(guardrails.NewGuardrails, examples.NEW_GUARDRAILS),
        gives=Gives(guardrails.Guardrails, examples.GUARDRAILS),
        problems=(ProblemCode.INVALID_DOCUMENT,),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/directory",
        directory.show,
        EVERY_ROLE,
        gives=Gives(directory.Directory, examples.DIRECTORY),
    ),
    Route(
        "PUT",
        f"{WORKSPACE}/directory",
        directory.replace,
        frozenset({Role.PLATFORM, Role.OWNER}),
        takes=Takes(directory.NewDirectory, examples.NEW_DIRECTORY),
        gives=Gives(directory.Directory, examples.DIRECTORY),
    ),
)
