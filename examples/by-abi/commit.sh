#!/usr/bin/env bash
# Commit to parameters with the bond, reveal them, wait for the outcome: with cast and the contracts' ABI alone.
#
#   export ETH_RPC_URL=… ETH_KEYSTORE=key.json ETH_PASSWORD=password.txt
#   ./commit.sh DEPLOYMENT PROJECT_ID PARAMETERS_CID
set -euo pipefail
deployment=$1 project=$2 cid=$3
coin=0x0000000000000000000000000000000000000000
outcomes=(NONE IMPROVED NOT_IMPROVED WORSE INVALID UNAVAILABLE EVALUATOR_FAILED EXPIRED CANCELLED UNREVEALED)
final=4

json() { python3 -c "import json, sys; value = json.load(sys.stdin); print($1)"; }
# cast prints a struct as `(0xab…, 7, 20000000 [2e7], …)`.
field() { python3 -c 'import sys; print(sys.argv[2].strip("()").split(", ")[int(sys.argv[1])].split()[0])' "$@"; }

market=$(json 'value["contracts"]["ModelSubmission"]["address"]' < "$deployment")
account=$(cast wallet address)

# The project's token and bond: fields 2 and 17 of the struct Project.
types=uint8,address,address,uint40,uint96,uint96,uint32,uint32,uint40,uint32,uint32,int64,int64,uint96,uint8
types+=,uint96,uint96,uint96,uint96,int64,int64,uint16,uint16,uint8,uint16,uint16,uint24,uint40,bool,bytes32
terms=$(cast call "$market" "getProject(uint256)(($types))" "$project")
token=$(field 2 "$terms") bond=$(field 17 "$terms")

# Keep the salt: without it you cannot reveal, and lose the bond. An earlier run's salt is never overwritten.
salt=0x$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
(umask 077 && set -o noclobber && echo "$salt" > "salt-$project-$cid")

if [ "$token" = "$coin" ]; then
    value=$bond
else
    value=0
    cast send "$token" 'approve(address,uint256)' "$market" "$bond" > /dev/null
fi
commitment=$(cast call "$market" 'commitmentOf(uint256,address,string,bytes32)(bytes32)' \
    "$project" "$account" "$cid" "$salt")
receipt=$(cast send --json --value "$value" "$market" 'commit(uint256,bytes32)' "$project" "$commitment")

# SubmissionCommitted(uint256 indexed projectId, uint32 indexed index, address indexed contributor, bytes32 commitment)
event=$(cast sig-event 'SubmissionCommitted(uint256,uint32,address,bytes32)')
index=$(json "[int(log['topics'][2], 16) for log in value['logs'] if log['topics'][0] == '$event'][0]" <<< "$receipt")
echo "committed: submission $index of project $project"

cast send "$market" 'reveal(uint256,uint32,string,bytes32)' "$project" "$index" "$cid" "$salt" > /dev/null
echo "revealed: $cid"

# The struct Submission: contributor, since, status, outcome, opening, k, content.
types=address,uint40,uint8,uint8,uint8,uint32,bytes32
while true; do
    submission=$(cast call "$market" "getSubmission(uint256,uint32)(($types))" "$project" "$index")
    [ "$(field 2 "$submission")" -ne "$final" ] || break
    sleep 1
done
echo "outcome: ${outcomes[$(field 3 "$submission")]}"
echo "credit: $(cast call "$market" 'creditOf(address,address)(uint256)' "$account" "$token" | cut -d ' ' -f 1)"
