import os, sys, tempfile
from pathlib import Path
import catalog
from comparison import *
from peers import all_peers
from processes import end_on_signals
end_on_signals()
exe=Path(os.environ.get('CARGO_TARGET_DIR','target'))/'release/rockon-sync'
r=catalog.real()
size=sys.argv[1]
c = r if size=='real' else catalog.made(int(size), r)
with tempfile.TemporaryDirectory() as t:
    t=Path(t)
    peers=[p for p in all_peers(exe) if len(sys.argv)<3 or p.key in sys.argv[2].split(',')]
    b=Bench(t, Launcher(t), Wanted(peers, list(Case), [0.0,0.05], 3 if size=='real' else 1))
    res,served=b.compare(c)
    print(served.seconds)
