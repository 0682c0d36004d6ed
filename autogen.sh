#!/bin/sh
# Makes configure and the Makefile templates from configure.ac and Makefile.am.
set -eu
cd "$(dirname "$0")"
mkdir -p m4
exec autoreconf --force --install
