import { useState } from 'preact/hooks';
import type { Session } from './api';
import { ApiError, login } from './api';
import { Icon } from './icons';

/** What to say to somebody whose token is not taken. */
function reason(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 401) return 'This token is unknown or revoked.';
  if (error.status === 403 && error.code === 'scope_missing') return 'This token may not read. Ask for one with the scope read.';
  return error.message;
}

export function Login({ onIn, trouble }: { onIn: (session: Session) => void; trouble: string }) {
  const [error, setError] = useState(trouble);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements.namedItem('token') as HTMLInputElement;
    const token = input.value.trim();
    if (!/^[\x21-\x7e]+$/.test(token)) {
      setError('A token has no spaces and only plain characters. Copy it once more.');
      return;
    }
    setBusy(true);
    setError('');
    try {
      onIn(await login(token));
    } catch (problem) {
      setError(reason(problem));
      setBusy(false);
      input.select();
    }
  };
  return (
    <main class="login">
      <form onSubmit={submit}>
        <h1><Icon name="brand" />Candor</h1>
        <p class="note">Sign in with a token that may read. It is traded for a session of 12 hours and not kept in the browser.</p>
        <label for="token">Token</label>
        <input id="token" name="token" type="password" autocomplete="off" spellcheck={false} required aria-describedby="token-help" aria-invalid={error !== ''} />
        <p class="note" id="token-help"><code>candor-central token create --scopes read</code> makes one.</p>
        {error !== '' && <p class="failure" role="alert">{error}</p>}
        <button type="submit" class="primary" disabled={busy}>{busy ? 'Signing in…' : 'Sign in'}</button>
      </form>
    </main>
  );
}
