#!/usr/bin/env bash
# Everything that only a GPU can show, in at most LIMIT seconds, each part with a limit and a log of its own in $OUT.
#
#   [OUT=folder] [CHECKS="8 2 …"] [PY=python3] bash benchmarks/on_gpu.sh [LIMIT]
#
# The parts, in this order: three steps of a training on each backend, the checks of verify-gpu, its check of the array
# functions, a short run of bench, the tests that are marked gpu. What does not fit into the time is said in summary.txt.
# It needs no network.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
OUT=${OUT:-gpu-out} LIMIT=${1:-540} PY=${PY:-python3}
CHECKS=${CHECKS:-8 2 3 5 6 7 10 13 9 4 14 1 12 11 15} # what matters most first, what takes longest last
mkdir -p "$OUT"
rm -f "$OUT"/{summary.txt,smoke.log,verify.log,verify.json,functions.log,functions.json,bench.log,bench.json,tests.log}
export PYTHONUNBUFFERED=1 PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}$PWD"
export CUPY_CACHE_DIR=${TMPDIR:-/tmp}/cupy-kernels TORCHINDUCTOR_CACHE_DIR=${TMPDIR:-/tmp}/inductor
export XLA_PYTHON_CLIENT_PREALLOCATE=false # else JAX takes three quarters of the GPU from the others
failed=0

left() { # left SECONDS: so many, or as many as are left
    local rest=$((LIMIT - SECONDS))
    echo $((rest < $1 ? rest : $1))
}

part() { # part NAME SECONDS COMMAND…: its output goes to $OUT/NAME.log, how it ended to $OUT/summary.txt
    local name=$1 most code start=$SECONDS
    most=$(left "$2")
    shift 2
    if [ "$most" -lt 5 ]; then
        code="no time left"
    else
        timeout -k 10 -s INT "$most" "$@" >>"$OUT/$name.log" 2>&1
        code="exit $? after $((SECONDS - start)) s"
    fi
    echo "$name: $code" | tee -a "$OUT/summary.txt"
    [[ $code == "exit 0 "* ]] || failed=1
}

smoke='
import sys, traceback
import numpy as np, miniflow_xp as mf
from miniflow_xp.programs.bench.networks import random_batch
from miniflow_xp.programs.verify.networks import mlp
failed = 0
for name in sys.argv[1:]:
    try:
        with mf.use_backend(name) as backend:
            network, rng = mlp(16, 32, "float32"), np.random.default_rng(0)
            trainer = mf.Trainer(network.cost, mf.SGD(0.1))
            costs = [float(mf.to_numpy(trainer.step(random_batch(network, rng, 600, "float32")))) for _ in range(3)]
            print(name, backend.describe(), costs, trainer.explain(), sep=" | ")
    except Exception:
        failed = 1
        print(name, "FAILED")
        traceback.print_exc(file=sys.stdout)
sys.exit(failed)'
{
    nvidia-smi
    $PY -m pip list | grep -iE '^(cupy|torch|jax|numpy|nvidia|cuda|triton|array)'
} >"$OUT/smoke.log" 2>&1
part smoke 90 $PY -c "$smoke" numpy cupy torch:cuda jax:gpu

most=$(left 310)
part verify "$most" \
    $PY -m miniflow_xp verify-gpu --only "${CHECKS// /,}" --budget $((most - 10)) -o "$OUT/verify.json"

most=$(left 130)
part functions "$most" \
    $PY -m miniflow_xp verify-gpu --only 16 --budget $((most - 5)) -o "$OUT/functions.json"

most=$(left 100)
part bench "$most" \
    $PY -m miniflow_xp bench --quick --budget $((most - 20)) --backends numpy,cupy,torch:cuda,jax:gpu -o "$OUT/bench.json"

workers=()
$PY -c 'import xdist' 2>/dev/null && workers=(-n 8)
for backend in cupy torch:cuda jax:gpu; do
    MINIFLOW_TEST_BACKENDS=$backend part tests 120 \
        $PY -m pytest -q -m gpu -W default -p no:cacheprovider "${workers[@]}" --ignore=tests/test_cupy_checks.py tests # verify has just made them
done

tail -n 25 "$OUT/smoke.log"
for log in verify functions; do
    [ -f "$OUT/$log.log" ] && cut -c1-300 "$OUT/$log.log"
done
[ -f "$OUT/tests.log" ] && grep -hE '^(FAILED|ERROR)|passed|failed' "$OUT/tests.log" | tail -n 60
cat "$OUT/summary.txt"
exit $failed
