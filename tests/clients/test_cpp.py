"""The C++ client installs, and a program finds it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clients.conformance.programs import BUILDS, all_programs, build, missing

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(dockfleet REQUIRED)
add_executable(user user.cc)
target_link_libraries(user PRIVATE dockfleet::dockfleet)
"""
PROGRAM = """
#include <dockfleet/dockfleet.h>

#include <iostream>

int main() { std::cout << dockfleet::Connect().host("north").name(); }
"""


@pytest.mark.timeout(900)  # the first time, the library is compiled
def test_a_program_uses_the_installed_cpp_client(tmp_path: Path) -> None:
    """`find_package(dockfleet)` finds what `cmake --install` has installed."""
    client = all_programs()["cpp"]
    if reason := missing(client):
        pytest.skip(reason)
    assert build(client) == ""
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    (tmp_path / "user.cc").write_text(PROGRAM)

    for command in (
        ["cmake", "--install", f"{BUILDS}/cpp", "--prefix", f"{tmp_path}/installed"],
        ["cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={tmp_path}/installed", "-DCMAKE_CXX_FLAGS=-O0"],
        ["cmake", "--build", "build"],
        ["build/user"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    assert done.stdout == "north"
