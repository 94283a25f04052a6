// expects TS2322: a word that is not in the enum
import { open } from 'candor';

open({ app: 'types' }).emit('ProposalDecision', { decision: 'maybe' });
