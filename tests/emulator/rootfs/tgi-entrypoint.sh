#!/bin/bash

ldconfig 2>/dev/null || echo 'unable to refresh ld cache, not a big deal in most cases'

# unquoted as in TGI's own image: arguments with blanks are split again
exec text-generation-launcher $@
